package bench

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Without the program, its paths are left out, with how to get it, and nothing has failed.
func TestWithoutOpenGFW(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("PATH", "")
	_, err := FindOpenGFW(t.Context(), "auto", nil)
	require.ErrorContains(t, err, "go build")
	_, err = FindOpenGFW(t.Context(), "./nosuch", nil)
	require.ErrorContains(t, err, "nosuch")
	_, err = FindOpenGFW(t.Context(), "off", nil)
	require.ErrorContains(t, err, "switched off")
	r := short(t, "queued")
	require.Equal(t, []Remark{{"queued_opengfw", "switched off"}}, r.LeftOut)
}

// A program that does not begin, or does not count, has failed.
func TestOpenGFWThatFails(t *testing.T) {
	live(t)
	for script, want := range map[string]string{
		"echo nothing works >&2; exit 1":              "nothing works",
		"echo ready; cat; exit 3":                     "exit status 3",
		"echo ready; cat; echo {\\\"failures\\\": 2}": "2 rules or modifiers failed",
	} {
		program := filepath.Join(t.TempDir(), openGFWProgram)
		require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\n[ \"$1\" = rules ] && exit\n"+script+"\n"), 0o755))
		r, err := Run(t.Context(), Options{Names: []string{"bulk"}, Rounds: 1, Duration: 20 * time.Millisecond, Domains: 20, OpenGFW: program})
		require.NoError(t, err)
		require.Len(t, r.Failed, 1, script)
		require.Equal(t, "bulk_opengfw", r.Failed[0].Name)
		require.Contains(t, r.Failed[0].Text, want)
		require.NotContains(t, r.names(), "bulk_opengfw")
	}
}

func TestBesideOpenGFW(t *testing.T) {
	live(t)
	t.Chdir("../..")
	program, err := FindOpenGFW(t.Context(), "auto", nil)
	if err != nil {
		t.Skip(err)
	}
	r, err := Run(t.Context(), Options{
		Names: []string{"connections", "queued", "latency"}, Rounds: 1, Duration: 100 * time.Millisecond, Domains: 1000, OpenGFW: program,
	})
	require.NoError(t, err)
	require.Empty(t, r.Failed)
	require.Empty(t, r.LeftOut)
	for _, name := range []string{"connections_1k_vs_opengfw_1", "connections_1k_vs_opengfw_1k", "queued_vs_opengfw"} {
		require.Positive(t, r.Ratios[name])
	}
	require.Contains(t, r.names(), "latency_opengfw_p99")
}

func TestCPUOfAProcess(t *testing.T) {
	for end := time.Now().Add(50 * time.Millisecond); time.Now().Before(end); {
	}
	d, err := cpuOf(os.Getpid())
	require.NoError(t, err)
	require.Positive(t, d)
	_, err = cpuOf(-1)
	require.Error(t, err)
}
