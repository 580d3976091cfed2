package cli

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/lab"
	"dpilab/scenarios/matrix"
)

func TestMatrixUsage(t *testing.T) {
	for args, want := range map[string]string{
		"curl":                          "matrix takes no arguments",
		"--tool crul":                   `did you mean "curl"?`,
		"--tool nosuch*":                `no tool that ships matches "nosuch*"`,
		"--tool ./nosuch.yaml":          "nosuch.yaml",
		"--tool curl --policy 2026-hom": `did you mean "2026-home"?`,
		"--scenario two-filters":        "the scenario is not for tools",
		"--repeat 0":                    "--repeat: found 0, expected 1 to 1000",
		"--labs -1":                     "--labs: found -1",
		"--shard 5/4":                   "--shard: ",
		"--shard x":                     "such as 2/4",
	} {
		code, out, err := call(t, append([]string{"matrix"}, strings.Fields(args)...)...)
		require.Equal(t, exitUsage, code, args)
		require.Empty(t, out, args)
		require.Contains(t, err, want, args)
	}
}

// A small matrix runs from the command line, whole and in two shards with the same cells.
func TestMatrix(t *testing.T) {
	if err := lab.Missing(); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	cells := map[string]matrix.Status{}
	for _, part := range []string{"", "1/2", "2/2"} {
		file := filepath.Join(dir, "r.json")
		args := []string{"matrix", "--scenario", "../../scenarios/matrix/testdata/small/scenario.yaml", "--tool", "direct", "--policy", "reset", "--policy", "forged", "--repeat", "1", "--json", file}
		if part != "" {
			args = append(args, "--shard", part)
		}
		code, out, err := call(t, args...)
		require.Equal(t, exitOK, code, err)
		require.Contains(t, out, "2021-04-0")
		r, readErr := matrix.ReadFile(file)
		require.NoError(t, readErr)
		for i := range r.Cells {
			name := r.Cells[i].String()
			if part == "" {
				cells[name] = r.Cells[i].Status
				continue
			}
			require.Equal(t, cells[name], r.Cells[i].Status, name)
			delete(cells, name)
			require.Equal(t, []string{part}, r.Shards)
		}
		if part == "" {
			require.Equal(t, map[string]matrix.Status{"direct@reset": matrix.Blocked, "direct@forged": matrix.Blocked}, cells)
		}
	}
	require.Empty(t, cells, "each cell is in a shard")
}

// What a tool lacks is an error of the machine where it is required.
func TestMatrixRequires(t *testing.T) {
	if err := lab.Missing(); err != nil {
		t.Skip(err)
	}
	t.Setenv("PATH", t.TempDir())
	code, _, err := call(t, "matrix", "--tool", "curl", "--policy", "2026-home", "--require")
	require.Equal(t, exitMachine, code)
	require.Contains(t, err, "curl: curl is not on PATH")
}
