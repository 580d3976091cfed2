package tools

import (
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/lab/probe"
)

// The strategies run with the goal's own ClientHello, and with one of theirs: a cut hides the name from a box that does not join segments.
func TestDesync(t *testing.T) {
	p := place(t)
	goal := probe.HTTPS("twitter.com")
	goal.Hello = probe.HelloShort
	policy(t, p, "2022-paper")
	for name, want := range map[string]probe.Kind{"nothing": probe.Reset, "split-sni": probe.OK, "padding": probe.OK, "fake-badsum": probe.Reset} {
		all, err := Open("desync/" + name)
		require.NoError(t, err)
		require.Len(t, all, 1)
		require.True(t, all[0].Direct)
		s := open(t, all[0], p)
		require.NoError(t, s.Start(t.Context(), goal))
		o := s.Try(t.Context(), goal)
		require.Equal(t, want, o.Kind, "%s\n%s", name, o.Story())
		require.NoError(t, s.Used())
		require.NoError(t, s.Stop())
	}
}
