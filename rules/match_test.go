package rules

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// The compiled matcher says what the slow one says, for any policy and whatever is known.
func TestMatchAgreesWithTwin(t *testing.T) {
	for seed := range uint64(3000) {
		d := dice{rand.New(rand.NewPCG(seed, 1))}
		p := d.policy()
		c, err := p.Compile()
		require.NoError(t, err)
		for range 20 {
			f := d.facts()
			require.Equal(t, twin{p}.match(f), c.Match(f.facts(c)), "match: seed %d\nrules %+v\nfacts %+v", seed, p.Rules, f)
			require.Equal(t, twin{p}.pending(f), c.Pending(f.facts(c)), "pending: seed %d\nrules %+v\nfacts %+v", seed, p.Rules, f)
		}
	}
}

// Once every fact is known, nothing is pending; and an answer that is not pending stays.
func TestPendingKeepsItsWord(t *testing.T) {
	for seed := range uint64(1000) {
		d := dice{rand.New(rand.NewPCG(seed, 2))}
		c, err := d.policy().Compile()
		require.NoError(t, err)
		for range 20 {
			f := d.facts().facts(c)
			all := *f
			all.Known = AllFacts
			require.False(t, c.Pending(&all))
			if !c.Pending(f) {
				require.Equal(t, c.Match(&all), c.Match(f), "seed %d", seed)
			}
		}
	}
}

func TestMatchAllocatesNothing(t *testing.T) {
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
