package rules

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// edges are the addresses at the ends of a prefix, and those beside them.
func edges(p netip.Prefix) (all []netip.Addr) {
	s := spanOf(p)
	for _, a := range []netip.Addr{s.from.addr(s.six), s.to.addr(s.six)} {
		for _, x := range []netip.Addr{a, a.Prev(), a.Next()} {
			if x.IsValid() {
				all = append(all, x)
			}
		}
	}
	return all
}

func in(all []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(all, func(p netip.Prefix) bool { return p.Contains(a) })
}

// What a Need writes out has the addresses that its rules are for, in the fewest prefixes, in order: whatever the lists are, and with single
// addresses among them.
func TestNeedHasTheAddresses(t *testing.T) {
	for seed := range uint64(400) {
		d := dice{rand.New(rand.NewPCG(seed, 21))}
		list := func() (all []netip.Prefix) {
			for range 1 + d.IntN(6) {
				a := d.addr().Unmap()
				if a.Is6() && d.IntN(2) == 0 {
					b := a.As16()
					b[7], b[8] = byte(d.IntN(3)), byte(d.IntN(256))
					a = netip.AddrFrom16(b)
				}
				p, err := a.Prefix(max(0, a.BitLen()-d.IntN(8)-d.IntN(2)*d.IntN(a.BitLen())))
				require.NoError(t, err)
				all = append(all, p)
			}
			return all
		}
		nets, except, resolver := list(), list(), d.addr().Unmap()
		p := &Policy{Profile: DefaultProfile(), lists: map[string]*List{"nets": {Prefixes: nets}, "except": {Prefixes: except}}, Rules: []Rule{
			{When: Condition{To: []string{"nets"}}, Unless: []Condition{{To: []string{"except"}}}, Do: Do{Mechanism: MechanismDrop}},
			{When: Condition{To: []string{"except"}, Query: []string{"bad.example"}}, Do: Do{Mechanism: MechanismRedirect, Resolver: []netip.Addr{resolver}}},
			{When: Condition{Transport: []Transport{TransportTCP}}, Unless: []Condition{{To: []string{"nets", "except"}}}, Do: Do{Mechanism: MechanismReset}},
		}}
		c, err := p.Compile()
		require.NoError(t, err)
		n := c.Need()
		var blocked []netip.Prefix
		if len(n.Blocks) > 0 {
			blocked = n.Blocks[0].Prefixes
		}
		var whole, tcp []netip.Prefix
		for _, x := range n.Interests {
			switch {
			case x.Transports == 0:
				whole = x.To
			case x.Transports == tcpBit:
				if tcp = x.To; tcp == nil {
					tcp = everywhere
				}
			}
		}
		for _, all := range [][]netip.Prefix{blocked, whole, tcp} {
			require.True(t, slices.IsSortedFunc(all, func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) }))
			require.Equal(t, all, joinPrefixes(all), "the fewest, seed %d", seed)
		}
		for _, q := range append(append(nets, except...), netip.PrefixFrom(resolver, resolver.BitLen())) {
			for _, a := range edges(q) {
				first := in(nets, a) && !in(except, a)
				require.Equal(t, first && a != resolver, in(blocked, a), "block: seed %d, %s", seed, a)
				require.Equal(t, first && a == resolver, in(whole, a), "resolver: seed %d, %s", seed, a)
				require.Equal(t, !in(nets, a) && !in(except, a), in(tcp, a), "tcp: seed %d, %s", seed, a)
			}
		}
		if len(blocked) > 0 {
			without := n.WithoutBlocks()
			require.True(t, without.Everything || slices.ContainsFunc(without.Interests, func(x Interest) bool {
				return x.Transports == 0 && !slices.ContainsFunc(blocked, func(p netip.Prefix) bool { return !in(x.To, p.Addr()) })
			}))
		}
	}
}

func joinPrefixes(all []netip.Prefix) []netip.Prefix {
	var s spans
	for _, p := range all {
		s = append(s, spanOf(p))
	}
	rand.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
	return join(s).prefixes()
}

func TestSpans(t *testing.T) {
	for _, x := range []struct{ span, want []string }{
		{[]string{"0.0.0.0/1", "128.0.0.0/1"}, []string{"0.0.0.0/0"}},
		{[]string{"::/1", "8000::/1", "255.255.255.255/32"}, []string{"255.255.255.255/32", "::/0"}},
		{[]string{"192.0.2.1/32", "192.0.2.2/32", "192.0.2.3/32"}, []string{"192.0.2.1/32", "192.0.2.2/31"}},
		{[]string{"2001:db8::ffff:ffff:ffff:ffff/128", "2001:db8:0:1::/128"}, []string{"2001:db8::ffff:ffff:ffff:ffff/128", "2001:db8:0:1::/128"}},
		{[]string{"10.0.0.0/8", "10.1.0.0/16", "10.0.0.0/8"}, []string{"10.0.0.0/8"}},
	} {
		require.Equal(t, prefixes(x.want...), joinPrefixes(prefixes(x.span...)))
	}
	all := join(spans{spanOf(netip.MustParsePrefix("192.0.2.0/30"))})
	hosts := []netip.Addr{netip.MustParseAddr("192.0.2.0"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("::1")}
	require.Equal(t, prefixes("192.0.2.1/32", "192.0.2.3/32"), all.without(hosts).prefixes())
}
