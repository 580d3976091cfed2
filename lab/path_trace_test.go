package lab

import (
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/trace"
)

// What the shipped traces expect of the engine at virtual time comes out of the kernel as well: held fragments, offloaded flows,
// packets of the box's own. Only those that run hundreds of times to see a chance are left out.
func TestTracesLive(t *testing.T) {
	live(t)
	for _, name := range trace.Names() {
		tr, err := trace.Find(name)
		require.NoError(t, err)
		t.Run(name, func(t *testing.T) {
			if ok, why := tr.LiveWithoutWaits(); !ok {
				t.Skip(why)
			}
			at, err := trace.Run(tr, trace.NewVirtual)
			require.NoError(t, err)
			if !at.OK() {
				t.Skip("not as expected at virtual time either")
			}
			r, err := trace.Run(tr, Live(PathOptions{Skip: true}))
			require.NoError(t, err)
			require.Empty(t, r.Failures)
		})
	}
}
