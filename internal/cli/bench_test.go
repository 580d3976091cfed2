package cli

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/lab"
)

func TestBenchUsage(t *testing.T) {
	for want, args := range map[string][]string{
		`no benchmark is called "wires"; there are wire, connections`: {"bench", "wires"},
		"rounds: found -1":      {"bench", "--rounds", "-1"},
		"domains: found 1":      {"bench", "--domains", "1"},
		"unknown flag: --floot": {"bench", "--floot"},
	} {
		code, out, stderr := call(t, args...)
		require.Equal(t, exitUsage, code, args)
		require.Empty(t, out, args)
		require.Contains(t, stderr, want)
	}
}

// One command gives the table, or JSON; a missed target is an exit code only where it is asked for.
func TestBench(t *testing.T) {
	if err := lab.Missing(); err != nil {
		t.Skip(err)
	}
	short := []string{"bench", "wire", "bulk", "--rounds", "1", "--duration", "30ms", "--domains", "100", "--opengfw", "off"}
	code, out, stderr := call(t, short...)
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, out, "wire_connections")
	require.Contains(t, out, "bulk_offloaded_vs_wire")
	require.Contains(t, stderr, "bulk (2 of 2)")

	code, out, stderr = call(t, append(short, "--json", "--require")...)
	var report struct {
		Rows []struct {
			Name, Unit       string
			Min, Median, Max float64
		}
		Ratios  map[string]float64
		Targets map[string]any
		Missed  []string
		Rounds  int
	}
	require.NoError(t, json.Unmarshal([]byte(out), &report), stderr)
	require.Equal(t, len(report.Missed) > 0, code == exitUnexpected)
	require.Equal(t, 1, report.Rounds)
	require.Positive(t, report.Ratios["bulk_offloaded_vs_wire"])
	require.Contains(t, report.Targets, "bulk_offloaded_vs_wire")
}
