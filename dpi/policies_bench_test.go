package dpi

import (
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/rules"
)

// What a packet costs under each policy that ships: a connection that no rule names, with handshake, hello and eight packets of data.
func BenchmarkPolicies(b *testing.B) {
	for _, name := range rules.ShippedNames() {
		b.Run(name, func(b *testing.B) {
			p, err := rules.Shipped(name)
			require.NoError(b, err)
			c, err := p.Compile()
			require.NoError(b, err)
			benchPackets(b, c, connection("allowed.example"))
		})
	}
}
