package nfq

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseKernel(t *testing.T) {
	for text, want := range map[string]Kernel{
		"none": 0, "all": KernelAll, "offload": KernelOffload, "skips, blocks": KernelBlocks | KernelSkips, "offload,blocks,skips": KernelAll,
	} {
		k, err := ParseKernel(text)
		require.NoError(t, err, text)
		require.Equal(t, want, k, text)
	}
	for _, text := range []string{"", "offload,", "none,all", "policing"} {
		_, err := ParseKernel(text)
		require.ErrorContains(t, err, "offload,blocks,skips", text)
	}
}

// What String gives is read as the same.
func FuzzParseKernel(f *testing.F) {
	for k := range KernelAll + 1 {
		f.Add(k.String())
	}
	f.Add("offload,,skips")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := ParseKernel(text)
		if err != nil {
			require.Zero(t, k)
			return
		}
		again, err := ParseKernel(k.String())
		require.NoError(t, err)
		require.Equal(t, k, again)
	})
}
