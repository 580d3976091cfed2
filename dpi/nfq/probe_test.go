package nfq

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// A feature is present, or says what the kernel said and what to do.
func TestProbe(t *testing.T) {
	for _, f := range Probe() {
		t.Logf("%-16s present=%v needed=%v %s", f.Name, f.Present, f.Needed, f.Problem)
		require.Equal(t, f.Present, f.Advice == "")
		require.Equal(t, f.Present, f.Problem == "")
		require.NotEmpty(t, f.Purpose)
	}
}

// A failure to try counts as missing everywhere.
func TestProbeWithoutNamespace(t *testing.T) {
	for _, f := range probe(errors.New("not permitted")) {
		require.False(t, f.Present)
		require.Equal(t, "not permitted", f.Problem)
	}
}
