package rules

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheckEntry(t *testing.T) {
	for _, ok := range []string{"name.example", "=name.example", "*part*", "keyword:label", `regexp:^r[0-9]+\.example$`} {
		require.NoError(t, CheckEntry(ok))
	}
	for _, bad := range []string{"", "bad..example", "keyword:two.labels", "regexp:(", "192.0.2.1"} {
		require.Error(t, CheckEntry(bad), bad)
	}
}
