package cli

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheckStats(t *testing.T) {
	code, out, stderr := call(t, "check", "2025-freeze")
	require.Equal(t, 0, code, stderr)
	require.Contains(t, out, "2025-freeze: policy 2025-freeze of 2025-06-09, 2 rules")

	code, out, stderr = call(t, "check", "--stats", "2025-freeze")
	require.Equal(t, 0, code, stderr)
	require.Contains(t, out, "list hosters")
	require.Contains(t, out, "until 25 payload packets have come")

	code, out, stderr = call(t, "check", "--stats", "--json", "2026-whitelist-mts")
	require.Equal(t, 0, code, stderr)
	var s policyStats
	require.NoError(t, json.Unmarshal([]byte(out), &s))
	require.Equal(t, "2026-whitelist-mts", s.Policy)
	require.Positive(t, s.Reading)
	require.Positive(t, s.Compile)
	require.GreaterOrEqual(t, s.Reading, s.Lists)
	require.Equal(t, len(s.Seen[1].Rules), s.Rules)
	require.Len(t, s.Queue.Blocks, 1)
	require.Equal(t, "elsewhere", s.Queue.Blocks[0].Rule)
	require.False(t, s.Queue.Payload)
}
