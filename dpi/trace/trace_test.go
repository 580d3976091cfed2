package trace

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every trace that ships holds at virtual time.
func TestShipped(t *testing.T) {
	require.NotEmpty(t, Names())
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x, err := Find(name)
			require.NoError(t, err)
			r, err := Run(x, NewVirtual)
			require.NoError(t, err)
			var script strings.Builder
			require.NoError(t, r.WriteScript(&script))
			require.True(t, r.OK(), script.String())
		})
	}
}
