package nfq

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func prefixes(text ...string) (all []netip.Prefix) {
	for _, x := range text {
		all = append(all, netip.MustParsePrefix(x))
	}
	return all
}

func TestSpans(t *testing.T) {
	s := spansOf(prefixes("198.51.100.128/25", "198.51.100.0/25", "203.0.113.7/32", "203.0.113.0/24", "255.255.255.255/32", "::/0"))
	at := netip.MustParseAddr
	require.Equal(t, spans{
		{at("198.51.100.0"), at("198.51.100.255")}, {at("203.0.113.0"), at("203.0.113.255")}, {at("255.255.255.255"), at("255.255.255.255")},
		{at("::"), at("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")},
	}, s)
	require.Len(t, s.of(&families[0]), 3)
	require.Len(t, s.of(&families[1]), 1)
	require.Empty(t, spansOf(nil))
}

// Of random prefixes, spans hold what the prefixes hold, and so do their unions and intersections.
func TestSpansHoldWhatPrefixesHold(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	random := func() (p []netip.Prefix) {
		for range r.IntN(12) {
			if r.IntN(2) == 0 {
				p = append(p, netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(r.IntN(256))}), 24+r.IntN(9)))
			} else {
				p = append(p, netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(r.IntN(256))}), 120+r.IntN(9)))
			}
		}
		return p
	}
	in := func(p []netip.Prefix, a netip.Addr) bool {
		for _, x := range p {
			if x.Contains(a) {
				return true
			}
		}
		return false
	}
	has := func(s spans, a netip.Addr) bool {
		for _, x := range s {
			if x.from.BitLen() == a.BitLen() && !a.Less(x.from) && !x.to.Less(a) {
				return true
			}
		}
		return false
	}
	for range 200 {
		p, q := random(), random()
		s, u := spansOf(p), spansOf(q)
		for i := range 256 {
			for _, a := range []netip.Addr{netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(i)})} {
				require.Equal(t, in(p, a), has(s, a))
				require.Equal(t, in(p, a) || in(q, a), has(s.or(u), a))
				require.Equal(t, in(p, a) && in(q, a), has(s.and(u), a))
			}
		}
		for i := 1; i < len(s.or(u)); i++ {
			require.False(t, reaches(s.or(u)[i-1].to, s.or(u)[i].from))
		}
	}
}
