package dpi

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/rules"
)

// What is remembered of the policy's answers is what it says itself, whatever was asked in between.
func TestAnswersAreThePolicys(t *testing.T) {
	all := soupPolicies(t)
	for _, name := range rules.ShippedNames() {
		p, err := rules.Shipped(name)
		require.NoError(t, err)
		all[name], err = p.Compile()
		require.NoError(t, err)
	}
	hits, pendings := 0, 0
	for name, c := range all {
		g, r := newGeneration(c), rand.New(rand.NewPCG(1, 2))
		names := []rules.Class{0, 0, c.Name([]byte("blocked.example")), c.Name([]byte("twitter.com")), c.Name([]byte("web.whatsapp.com"))}
		for range 5000 {
			pick := func() rules.Class { return names[r.IntN(len(names))] }
			x := rules.Facts{
				Known: rules.AllFacts, Transport: rules.Transport(r.IntN(3)), Protocol: rules.Protocol(r.IntN(6)), Opened: rules.SideInside,
				Hello: rules.HelloKind(r.IntN(3)), QUIC: rules.QUICVersion(r.IntN(3)), ECH: r.IntN(9) == 0, Port: []uint16{53, 80, 443}[r.IntN(3)],
				SourcePort: uint16(r.IntN(4)), Size: uint16(r.IntN(3)) * 700, SNI: pick(), Host: pick(), Query: pick(), Signs: r.Uint64() & 3, Lost: r.Uint64() & 3,
			}
			if r.IntN(2) == 0 {
				x.Known &^= helloFacts &^ rules.FactSet(r.Uint32())
			}
			hit, pending := int32(c.Match(&x)), c.Pending(&x)
			want := [2]any{hit, hit < 0 && pending}
			for range 2 {
				asked := x
				hit, pending := g.ask(&asked)
				require.Equal(t, want, [2]any{hit, pending}, "%s: %+v", name, x)
			}
			if hit >= 0 {
				hits++
			} else if pending {
				pendings++
			}
		}
	}
	require.Greater(t, min(hits, pendings), 1000)
}
