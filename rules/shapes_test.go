package rules

import (
	"fmt"
	"math"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// shape is a policy whose rules have much in common: what a flow shows that rule number i hits.
type shape struct {
	name string
	rule func(i, n int) Condition
	flow func(c *Compiled, i, n int) Facts
}

func inline(i int) string { return fmt.Sprintf("site%d.example.com", i) }

func address(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
}

// side is the length of the sides of a square of n rules.
func side(n int) int { return int(math.Ceil(math.Sqrt(float64(n)))) }

var shapes = []shape{
	{"sni",
		func(i, n int) Condition { return Condition{SNI: []string{inline(i)}} },
		func(c *Compiled, i, n int) Facts { return Facts{SNI: c.Name([]byte("www." + inline(i)))} }},
	{"sizes",
		func(i, n int) Condition { return Condition{Size: []Range{{1 + i%65000, 3 + i%65000}}} },
		func(c *Compiled, i, n int) Facts { return Facts{Size: uint16(3 + i%65000)} }},
	{"one list, addresses",
		func(i, n int) Condition {
			return Condition{SNI: []string{"blocked"}, To: []string{address(i).String()}}
		},
		func(c *Compiled, i, n int) Facts {
			return Facts{SNI: c.Name([]byte("blocked.example")), To: c.Addr(address(i))}
		}},
	{"one port, fingerprints",
		func(i, n int) Condition { return Condition{Port: []Range{{443, 443}}, JA4: []string{"=" + inline(i)}} },
		func(c *Compiled, i, n int) Facts { return Facts{Port: 443, JA4: c.Name([]byte(inline(i)))} }},
	{"names by addresses",
		func(i, n int) Condition {
			return Condition{SNI: []string{inline(i / side(n))}, To: []string{address(i % side(n)).String()}}
		},
		func(c *Compiled, i, n int) Facts {
			return Facts{SNI: c.Name([]byte(inline(i / side(n)))), To: c.Addr(address(i % side(n)))}
		}},
	{"ports by sizes",
		func(i, n int) Condition {
			return Condition{Port: []Range{{i / side(n), i / side(n)}}, Size: []Range{{100 + i%side(n), 100 + i%side(n)}}}
		},
		func(c *Compiled, i, n int) Facts {
			return Facts{Port: uint16(i / side(n)), Size: uint16(100 + i%side(n))}
		}},
	{"words",
		func(i, n int) Condition {
			return Condition{Protocol: []Protocol{Protocol(i % protocolCount)}, Hello: []HelloKind{HelloKind(i / protocolCount % helloCount)},
				QUIC: []QUICVersion{QUICVersion(i / protocolCount / helloCount % quicCount)}, Opened: SideInside}
		},
		func(c *Compiled, i, n int) Facts {
			return Facts{Protocol: Protocol(i % protocolCount), Hello: HelloKind(i / protocolCount % helloCount),
				QUIC: QUICVersion(i / protocolCount / helloCount % quicCount), Opened: SideInside}
		}},
}

func (s *shape) compile(t testing.TB, n int) *Compiled {
	p := &Policy{Profile: DefaultProfile(), lists: map[string]*List{"blocked": {Name: "blocked", domains: true}}}
	require.NoError(t, p.lists["blocked"].add("blocked.example"))
	for i := range n {
		p.Rules = append(p.Rules, Rule{When: s.rule(i, n)})
	}
	c, err := p.Compile()
	require.NoError(t, err)
	return c
}

// However much rules have in common: a flow meets short lists, or rows.
func TestListsAreShort(t *testing.T) {
	for _, s := range shapes {
		c := s.compile(t, 2000)
		require.LessOrEqual(t, c.index.longest(), shortList, s.name)
		for _, i := range []int{0, 77, 1999} {
			f := s.flow(c, i, 2000)
			f.Known = AllFacts
			require.GreaterOrEqual(t, c.Match(&f), 0, s.name)
			require.LessOrEqual(t, c.Match(&f), i, s.name)
			early := f
			early.Known = headerFacts
			require.Zero(t, testing.AllocsPerRun(10, func() {
				c.Match(&f)
				c.Pending(&early)
			}), s.name)
		}
	}
}

// longest is the length of the longest list in the index that is tried in turn.
func (x *index) longest() (n int) {
	if x == nil {
		return 0
	}
	if len(x.rest.rows) == 0 {
		n = len(x.rest.rules)
	}
	for _, p := range x.classed {
		for _, b := range p.bunches {
			n = max(n, len(b.list), b.sub.longest())
		}
		n = max(n, p.hidden.longest())
	}
	for _, p := range x.ranged {
		for _, b := range p.nodes {
			n = max(n, len(b.list), b.sub.longest())
		}
		n = max(n, p.hidden.longest())
	}
	return n
}

// BenchmarkShapes shows what a flow costs under rules that have much in common: one that a rule in the middle hits, one that none
// does, one of which only the headers are known, and how long the indexes take.
func BenchmarkShapes(b *testing.B) {
	for _, s := range shapes {
		for _, n := range []int{10, 1000, 100_000} {
			c := s.compile(b, n)
			hit := s.flow(c, n/2, n)
			hit.Known, hit.Transport = AllFacts, TransportTCP
			miss := hit
			miss.Size, miss.JA4, miss.Opened = 9, 0, SideOutside
			if s.name == "sni" || s.name == "sizes" {
				miss.SNI, miss.Size = 0, 65535
			}
			if hit.To != 0 {
				miss.To = 0
			}
			early := hit
			early.Known = headerFacts
			require.GreaterOrEqual(b, c.Match(&hit), 0)
			require.Equal(b, -1, c.Match(&miss))
			require.True(b, c.Pending(&early))
			for _, kind := range []struct {
				name string
				run  func()
			}{{"hit", func() { c.Match(&hit) }}, {"miss", func() { c.Match(&miss) }}, {"pending", func() { c.Pending(&early) }}} {
				b.Run(fmt.Sprintf("%s/%d/%s", s.name, n, kind.name), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						kind.run()
					}
				})
			}
		}
	}
}

func TestPlaces(t *testing.T) {
	for _, atoms := range [][]uint32{nil, {7}, {3, 4, 6}, {1, 1000, 2_000_000}} {
		x := newPlaces(atoms)
		for i, atom := range atoms {
			at, ok := x.of(atom)
			require.True(t, ok)
			require.Equal(t, i, at)
		}
		for _, other := range []uint32{0, 2, 5, 999, 1001, math.MaxUint32} {
			_, ok := x.of(other)
			require.False(t, ok, other)
		}
	}
}
