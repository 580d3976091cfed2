package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// What goes over whole is a policy that check takes; what does not is told by line, with exit code 1.
func TestImportOpenGFW(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "Rules.yaml")
	require.NoError(t, os.WriteFile(in, []byte("- name: one\n  action: block\n  expr: proto == \"udp\" && port.dst == 443\n"), 0o644))
	out := filepath.Join(dir, "mine.yaml")
	code, stdout, stderr := call(t, "rules", "import-opengfw", in, "--output", out)
	require.Zero(t, code, stderr)
	require.Empty(t, stdout)
	require.Contains(t, stderr, in+":1: differs: \"one\": ")
	require.Contains(t, stderr, in+": 1 rule became 1 rule\n")
	code, stdout, stderr = call(t, "check", out)
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "policy mine of ")

	code, stdout, _ = call(t, "rules", "import-opengfw", in, "--date", "2026-01-31")
	require.Zero(t, code)
	require.Contains(t, stdout, "policy: opengfw\ndate: 2026-01-31\n", "Rules is no name of a policy")

	require.NoError(t, os.WriteFile(in, []byte("- name: one\n  action: block\n  expr: fet.yes\n- {name: two, action: block, expr: port.dst == 1}\n"), 0o644))
	code, stdout, stderr = call(t, "rules", "import-opengfw", in)
	require.Equal(t, exitUnexpected, code)
	require.Contains(t, stdout, "rule: two")
	require.Contains(t, stderr, in+":1: cannot: \"one\": ")
	require.Contains(t, stderr, in+": 2 rules became 1 rule\n")
}
