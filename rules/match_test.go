package rules

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// The compiled matcher says what the slow one says, for any policy and whatever is known.
func TestMatchAgreesWithTwin(t *testing.T) {
	hits, pending, all := 0, 0, 0
	bigLists(t, 1)
	for seed := range uint64(3000) {
		bigList = 1 + int(seed%4) // lists of all sizes
		d := dice{rand.New(rand.NewPCG(seed, 1))}
		p := d.policy()
		c, err := p.compile(int(seed % 3 * shortList / 2))
		require.NoError(t, err)
		for range 20 {
			f := d.facts()
			require.Equal(t, twin{p}.match(f), c.Match(f.facts(c)), "match: seed %d\nrules %+v\nfacts %+v", seed, p.Rules, f)
			require.Equal(t, twin{p}.pending(f), c.Pending(f.facts(c)), "pending: seed %d\nrules %+v\nfacts %+v", seed, p.Rules, f)
			all++
			if c.Match(f.facts(c)) >= 0 {
				hits++
			}
			if c.Pending(f.facts(c)) {
				pending++
			}
		}
	}
	require.Greater(t, hits, all/10, "too few hits to say anything")
	require.Greater(t, pending, all/10, "too few undecided to say anything")
}

// However many rules wait for a name, those that cannot be told apart before it is known are looked at once.
func TestPendingLooksAtKinds(t *testing.T) {
	c := manyRules(t, 4000)
	names := c.index.classed[0]
	require.Equal(t, FactSNI, names.fact)
	require.Len(t, names.all, 3000)
	require.Len(t, names.hidden.rest.rules, 1)
	require.Len(t, names.hidden.classed[0].all, 1)
}

// Once every fact is known, nothing is pending; and an answer that is not pending stays.
func TestPendingKeepsItsWord(t *testing.T) {
	for seed := range uint64(1000) {
		d := dice{rand.New(rand.NewPCG(seed, 2))}
		c, err := d.policy().Compile()
		require.NoError(t, err)
		for range 20 {
			p := d.facts()
			f := p.facts(c)
			if !p.Known.Has(FactSigns) {
				p.signs(d) // more can come
			}
			p.Known = AllFacts
			all := *p.facts(c)
			require.False(t, c.Pending(&all))
			if !c.Pending(f) {
				require.Equal(t, c.Match(&all), c.Match(f), "seed %d", seed)
			}
		}
	}
}

func TestMatchAllocatesNothing(t *testing.T) {
	bigLists(t, 2)
	d := dice{rand.New(rand.NewPCG(1, 3))}
	c, err := d.policy().Compile()
	require.NoError(t, err)
	p := d.facts()
	f, name := p.facts(c), []byte("www.A.b.ab.")
	require.Zero(t, testing.AllocsPerRun(100, func() {
		c.Name(name)
		c.Addr(p.to)
		c.Match(f)
		c.Pending(f)
	}))
}

// bigLists makes lists of so many names big for the time of a test.
func bigLists(t testing.TB, size int) {
	usual := bigList
	t.Cleanup(func() { bigList = usual })
	bigList = size
}

func compile(t testing.TB, text string) *Compiled {
	t.Helper()
	p, err := Parse("test.yaml", []byte("policy: test\ndate: 2025-01-01\nabout: a test\n"+text), nil)
	require.NoError(t, err)
	c, err := p.Compile()
	require.NoError(t, err)
	return c
}

// A rule that still waits for a name does not hold back a later one that is sure; the caller sees that it may yet win.
func TestUndecidedRuleHoldsNothingBack(t *testing.T) {
	c := compile(t, `
lists:
  bad: [x.com]
  nets: [192.0.2.0/24]
rules:
  - {rule: by-name, when: {sni: bad}, do: {drop: both}, source: {ref: choice}}
  - {rule: by-address, when: {to: nets}, do: {drop: up}, source: {ref: choice}}
`)
	f := Facts{Known: FactSet(0).With(FactTo), To: c.names.class(nil)}
	require.Equal(t, -1, c.Match(&f))
	require.True(t, c.Pending(&f), "by-name can still hit")
	f.To = c.Addr(c.Policy.List("nets").Prefixes[0].Addr())
	require.Equal(t, 1, c.Match(&f))
	require.True(t, c.Pending(&f), "by-name comes first and can still hit")
	f.Known, f.SNI = f.Known.With(FactSNI), c.Name([]byte("WWW.X.com"))
	require.Equal(t, 0, c.Match(&f))
	require.False(t, c.Pending(&f))
	f.SNI = 0 // known to be absent
	require.Equal(t, 1, c.Match(&f))
	require.False(t, c.Pending(&f))
	require.Equal(t, FactSet(0).With(FactSNI).With(FactTo), c.Reads())
}

// A rule with unless hits only once the exception is known not to hold.
func TestUnlessMustBeKnown(t *testing.T) {
	c := compile(t, `
lists: {nets: [192.0.2.0/24], good: [max.ru]}
rules:
  - {rule: all-but, when: {to: nets}, unless: {sni: good}, do: {drop: both}, source: {ref: choice}}
`)
	f := Facts{Known: FactSet(0).With(FactTo), To: c.Addr(c.Policy.List("nets").Prefixes[0].Addr())}
	require.Equal(t, -1, c.Match(&f))
	require.True(t, c.Pending(&f))
	f.Known = f.Known.With(FactSNI)
	require.Equal(t, 0, c.Match(&f))
	f.SNI = c.Name([]byte("st.max.ru"))
	require.Equal(t, -1, c.Match(&f))
	require.False(t, c.Pending(&f))
}

// manyRules has a rule for each of n names, addresses, and the ports of a rule without either.
func manyRules(t testing.TB, n int) *Compiled {
	p := &Policy{Profile: DefaultProfile()}
	for i := range n {
		r := Rule{When: Condition{SNI: []string{fmt.Sprintf("site%d.example.com", i)}, Protocol: []Protocol{ProtocolTLS}}}
		switch i % 4 {
		case 1:
			r.When = Condition{To: []string{netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).String()}}
		case 2:
			r.When = Condition{To: []string{"192.0.2.0/24"}, SNI: r.When.SNI}
		}
		p.Rules = append(p.Rules, r)
	}
	c, err := p.Compile()
	require.NoError(t, err)
	return c
}

// BenchmarkMatch shows that the cost does not grow with the rules.
func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{10, 1000, 100_000} {
		c := manyRules(b, n)
		hit := Facts{Known: AllFacts, Protocol: ProtocolTLS, Transport: TransportTCP, Port: 443, To: c.Addr(netip.MustParseAddr("192.0.2.1"))}
		miss := hit
		hit.SNI, miss.SNI = c.Name(fmt.Appendf(nil, "www.site%d.example.com", n/2/4*4)), c.Name([]byte("www.example.com"))
		early := miss
		early.Known &^= 1<<FactSNI | 1<<FactProtocol
		require.GreaterOrEqual(b, c.Match(&hit), 0)
		require.Equal(b, -1, c.Match(&miss))
		require.True(b, c.Pending(&early))
		for _, kind := range []struct {
			name string
			f    *Facts
		}{{"hit", &hit}, {"miss", &miss}} {
			b.Run(fmt.Sprintf("%d/%s", n, kind.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					c.Match(kind.f)
				}
			})
		}
		b.Run(fmt.Sprintf("%d/pending", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.Pending(&early)
			}
		})
	}
}
