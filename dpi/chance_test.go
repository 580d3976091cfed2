package dpi

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/rules"
)

// lots draws for many flows, whose client, server port and client port vary.
func lots(e *Engine, c rules.Chance) (won int, draws []bool) {
	for i := range 10_000 {
		f := &flow{key: key{insidePort: uint16(i), outsidePort: uint16(i % 1000), transport: 17}}
		f.key.inside = addressOf(netip.AddrFrom4([4]byte{198, 18, byte(i >> 3), byte(i)}).As16())
		f.key.outside = addressOf(netip.MustParseAddr("203.0.113.2").As16())
		lucky := e.lucky(f, &c)
		draws = append(draws, lucky)
		if lucky {
			won++
		}
	}
	return won, draws
}

// Q13, B33: a share is a share however it is drawn; a hash is the same in every engine of the box, and another seed's is another.
func TestChances(t *testing.T) {
	c := policyOf(t, passAll)
	for _, of := range []rules.ChanceOf{rules.ChanceCoin, rules.ChanceFlow, rules.ChanceClient, rules.ChancePort} {
		for _, share := range []float64{0.01, 0.22, 0.5, 1} {
			chance := rules.Chance{Share: share, Of: of}
			won, draws := lots(New(Options{Policy: c, Seed: 1}), chance)
			require.InDelta(t, 10_000*share, won, 550, "%v %v", of, share) // ports: 1000 draws, each ten times
			_, again := lots(New(Options{Policy: c, Seed: 1}), chance)
			require.Equal(t, draws, again, "the same seed")
			if share == 1 {
				continue
			}
			_, worker := lots(New(Options{Policy: c, Seed: 1, Worker: 1}), chance)
			require.Equal(t, of != rules.ChanceCoin, equal(draws, worker), "hashes are the box's, coins the worker's")
			_, other := lots(New(Options{Policy: c, Seed: 2}), chance)
			require.False(t, equal(draws, other))
		}
	}
}

func equal(a, b []bool) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// FOCI26: 22 % of the ports are open, and stay so for everyone and every connection.
func TestMissByPort(t *testing.T) {
	p := policyOf(t, "- {rule: one, when: {to: 203.0.113.0/24}, do: {drop: both}, source: {ref: choice}}\n").Policy
	p.Profile.Miss = rules.Chance{Share: 0.22, Of: rules.ChancePort}
	c, err := p.Compile()
	require.NoError(t, err)
	w := wireOf(t, c)
	open := 0
	for port := range uint16(1023) {
		w.server = netip.AddrPortFrom(w.server.Addr(), port+1)
		first := w.flow().udp(rules.Up, answer).Action
		if first == Accept {
			open++
		}
		for range 3 {
			w.client = netip.AddrPortFrom(w.client.Addr().Next(), w.client.Port())
			require.Equal(t, first, w.flow().udp(rules.Up, answer).Action)
		}
	}
	require.InDelta(t, 0.22*1023, open, 50)
}
