package tools

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/lab/probe"
)

func TestProgramThatGaveUpAfterSomeBytes(t *testing.T) {
	g := goal{measures: map[string]*regexp.Regexp{"bytes": regexp.MustCompile("bytes=([0-9]+)")}}
	measured := func(p probe.Probe, output string) probe.Outcome {
		return g.measured(probe.Outcome{Kind: probe.Timeout}, p, output, 0)
	}
	o := measured(probe.Download("x.com", 1000), "bytes=0 bytes=600")
	require.Equal(t, probe.Stalled, o.Kind)
	require.EqualValues(t, 600, o.Bytes)
	require.Equal(t, probe.Timeout, measured(probe.Download("x.com", 1000), "bytes=0").Kind)
	require.Equal(t, probe.Timeout, measured(probe.HTTPS("x.com"), "bytes=600").Kind)
}
