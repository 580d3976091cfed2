package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/scenarios/matrix"
)

func TestExplain(t *testing.T) {
	dir := t.TempDir()
	r := matrixOf(matrix.Open, matrix.Blocked, matrix.Skipped)
	r.Cells[1].Runs[0] = matrix.Run{Seed: 1, Outcome: "reset after ClientHello (12 ms)", Kind: "reset",
		Hits:  []matrix.Hit{{MS: 1, Rule: "names", Policy: "b", Mechanism: "drop up", Source: "choice", Flow: "tcp 198.51.100.2:4000 → 203.0.113.34:443", Packet: 1}},
		Flows: []matrix.Flow{{Transport: "tcp", Client: "198.51.100.2:4000", Server: "203.0.113.34:443", Packets: []matrix.Packet{{MS: 1, Up: true, Length: 60, What: "SYN", Did: "dropped", Rule: "names"}}}}}
	_, err := outOf(t, r, dir)
	require.NoError(t, err)
	code, out, stderr := call(t, "explain", dir, "curl@b")
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, out, "rule names (b): drop up")
	for _, c := range []struct{ run, cell, want string }{
		{dir, "curl@c", "curl@c was not tried"},
		{dir, "crul@b", `did you mean "curl"?`},
		{filepath.Join(dir, matrix.ResultFile), "curl", "expected TOOL@POLICY"},
		{filepath.Join(dir, "nosuch"), "curl@b", "no such file"},
	} {
		code, _, stderr := call(t, "explain", c.run, c.cell)
		require.Equal(t, exitUsage, code)
		require.Contains(t, stderr, c.want)
	}
	_, _, stderr = call(t, "explain", dir)
	require.Contains(t, stderr, "explain takes a run and a cell")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "x.json"), []byte("{}"), 0o644))
	_, _, stderr = call(t, "explain", filepath.Join(dir, "x.json"), "curl@b")
	require.Contains(t, stderr, `found JSON without "schema"`)
}
