package rules

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func expressionsOf(t testing.TB, texts ...string) []expression {
	var all []expression
	for i, text := range texts {
		prog, err := parseExpression(text)
		require.NoError(t, err)
		all = append(all, expression{prog, 1 << (i % 32)})
	}
	return all
}

// All expressions together find what package regexp finds with each, as one automaton and as the machine that it was made from.
func TestExpressionsAgreeWithRegexp(t *testing.T) {
	for seed := range uint64(500) {
		d := dice{rand.New(rand.NewPCG(seed, 8))}
		texts := make([]string, 1+d.IntN(8))
		for i := range texts {
			texts[i] = d.expression()
		}
		all := expressionsOf(t, texts...)
		x, err := newExpressions(all)
		require.NoError(t, err)
		require.Len(t, x.tables, 1)
		m := &machine{}
		for _, e := range all {
			m.add(e.prog, e.bit)
		}
		for range 40 {
			name := lower(d.name()) + pick(d, "", "", "\n", "\xff", "\nab", "-")
			want := uint32(0)
			for i, text := range texts {
				if lineHas("regexp:"+text, name) {
					want |= 1 << i
				}
			}
			require.Equal(t, want, x.find([]byte(name)), "%q in %q", texts, name)
			require.Equal(t, want, m.find([]byte(name)), "%q in %q", texts, name)
		}
	}
}

// An expression whose automaton is too large has a machine of its own; those beside it do not suffer.
func TestLargeExpressions(t *testing.T) {
	large := "a.{30}b.{30}c"
	x, err := newExpressions(expressionsOf(t, `^www\d+\.`, large, `\.example$`, "x+y"))
	require.NoError(t, err)
	require.Len(t, x.slow, 1)
	require.NotEmpty(t, x.tables)
	name := []byte("a" + strings.Repeat("-", 30) + "b" + strings.Repeat("z", 30) + "c.xxy.example")
	require.EqualValues(t, 2|4|8, x.find(name))
	require.EqualValues(t, 1|4, x.find([]byte("www17.example")))
	require.Zero(t, testing.AllocsPerRun(100, func() { x.find(name) }))

	var many []string
	for i := range 600 {
		many = append(many, fmt.Sprintf("%s%d", large, i))
	}
	_, err = newExpressions(expressionsOf(t, many...))
	require.ErrorContains(t, err, "of the regular expressions are so large that every name would take long")
}

// In a policy, too: in lists and alone, in any case.
func TestExpressionsInPolicies(t *testing.T) {
	c := compile(t, `
lists: {numbered: ['regexp:^[a-z]+\d+\.example\.(com|net)$', other.example]}
rules:
  - {rule: one, when: {sni: numbered}, do: pass, source: {ref: choice}}
  - {rule: two, when: {sni: ['regexp:^\D+\.VPN\.']}, do: pass, source: {ref: choice}}
`)
	for name, want := range map[string]int{
		"WWW7.example.com": 0, "www.example.com": -1, "www7.example.com.": -1, "a.other.example": 0, "My.vpn.example": 1, "my1.vpn.example": -1,
	} {
		require.Equal(t, want, c.Match(&Facts{Known: AllFacts, SNI: c.Name([]byte(name))}), name)
	}
}

// FuzzExpression: any expression that is read finds what package regexp finds.
func FuzzExpression(f *testing.F) {
	f.Add(`^www\d+\.`, "www7.example")
	f.Add(`(?i:a|B)*?c{2,3}\b`, "abccc.")
	f.Add(`[^[:alpha:]]\x{FFFD}|\pL`, "a\xff")
	f.Add(`(?-i)A|(?s).$|\z`, "a\n")
	f.Fuzz(func(t *testing.T, text, name string) {
		prog, err := parseExpression(text)
		if err != nil || len(name) > 255 || len(prog.Inst) > 300 {
			return
		}
		x, err := newExpressions([]expression{{prog, 1}})
		require.NoError(t, err)
		m := &machine{}
		m.add(prog, 1)
		name = lower(name)
		want := lineHas(expressionMark+text, name)
		require.Equal(t, want, x.find([]byte(name)) == 1, "%q in %q", text, name)
		require.Equal(t, want, m.find([]byte(name)) == 1, "%q in %q", text, name)
	})
}

// BenchmarkNameRegexps is the cost of regular expressions beside: one pass whatever their number, and the machine of one that is too large.
func BenchmarkNameRegexps(b *testing.B) {
	name := []byte("rr5---sn-5goeenes.googlevideo.com")
	for _, n := range []int{1, 20, 200} {
		lines := make([]string, n)
		for i := range lines {
			lines[i] = fmt.Sprintf(`regexp:^(.+\.)?%s\d+\.(com|net)$`, appendName(nil, i))
		}
		x := nameIndex(lines...)
		b.Run(fmt.Sprintf("%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sink = x.class(name)
			}
		})
	}
	x := nameIndex("regexp:a.{30}b.{30}c")
	b.Run("slow", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			sink = x.class(name)
		}
	})
}
