package rules

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestShippedPoliciesCompile(t *testing.T) {
	require.Equal(t, []string{"2025-calls", "2025-home", "2025-whatsapp", "2026-dns", "2026-whatsapp"}, ShippedNames())
	for _, name := range ShippedNames() {
		t.Run(name, func(t *testing.T) {
			p, err := Shipped(name)
			require.NoError(t, err)
			require.NotEmpty(t, p.About)
			_, err = p.Compile()
			require.NoError(t, err)
		})
	}
}
