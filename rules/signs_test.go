package rules

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Conditions that ask for the same share a bit, however they are written.
func TestSignsAreShared(t *testing.T) {
	c := compile(t, `
rules:
  - {rule: a, when: {extension: [0xfe02, 0xfe02/20], to: 192.0.2.1}, do: pass, source: {ref: choice}}
  - {rule: b, when: {extension: 0xfe02/20, payload: "4: 01, 0: 16 fe"}, do: pass, source: {ref: choice}}
  - {rule: c, when: {payload: ["0x0: 16 FE, 0x4: 01", "9: 00"], trick: fake}, unless: {trick: [ttl, fake], to: 192.0.2.1}, do: pass, source: {ref: choice}}
`)
	s := c.Signs()
	require.Equal(t, []ExtensionSign{{Extension{0xfe02, -1}, 1}, {Extension{0xfe02, 20}, 2}}, s.Extensions)
	require.Equal(t, []PayloadSign{
		{[]Stretch{{0, []byte{0x16, 0xfe}}, {4, []byte{1}}}, 4},
		{[]Stretch{{9, []byte{0}}}, 8},
	}, s.Payloads)
	require.EqualValues(t, 16, s.Tricks[TrickFake])
	require.EqualValues(t, 32, s.Tricks[TrickTTL])
	require.Zero(t, s.Tricks[TrickSplit])
	require.True(t, c.Reads().Has(FactSigns))
}

// A sign counts as soon as it is there; that it is missing counts once no more can come.
func TestSignsCountAtOnce(t *testing.T) {
	c := compile(t, `
rules:
  - {rule: split, when: {trick: split}, unless: {trick: md5}, do: {drop: both}, source: {ref: choice}}
`)
	f := Facts{}
	require.Equal(t, -1, c.Match(&f))
	require.True(t, c.Pending(&f))
	f.Signs = c.Signs().Tricks[TrickSplit]
	require.Equal(t, -1, c.Match(&f), "the exception may still come")
	require.True(t, c.Pending(&f))
	f.Signs |= c.Signs().Tricks[TrickMD5]
	require.Equal(t, -1, c.Match(&f))
	require.False(t, c.Pending(&f))
	f.Signs, f.Known = c.Signs().Tricks[TrickSplit], AllFacts
	require.Equal(t, 0, c.Match(&f))
}

// A flow that lost the draw of a rule falls through to the next; one that is asked about again meets only rules that are.
func TestLostAndAgain(t *testing.T) {
	c := compile(t, `
rules:
  - {rule: half, when: {sni: x.com}, do: {drop: both}, chance: 50%, source: {ref: choice}}
  - {rule: clean, when: {sni: x.com}, unless: {to: 192.0.2.1}, do: {drop: both}, again: true, chance: {share: 22%, of: port}, source: {ref: choice}}
  - {rule: rest, when: {sni: x.com}, do: {drop: up}, source: {ref: choice}}
`)
	require.Equal(t, []ChanceRule{{Chance{0.5, ChanceCoin}, 0, 1}, {Chance{0.22, ChancePort}, 1, 2}}, c.Chances())
	f := Facts{Known: AllFacts, SNI: c.Name([]byte("x.com"))}
	for _, x := range []struct {
		lost  uint64
		again bool
		want  int
	}{{0, false, 0}, {1, false, 1}, {3, false, 2}, {0, true, 1}, {2, true, -1}, {3, true, -1}} {
		f.Lost, f.Again = x.lost, x.again
		require.Equal(t, x.want, c.Match(&f), "%+v", x)
	}
	f = Facts{Again: true, Lost: 2}
	require.False(t, c.Pending(&f))
}

// At most 64 signs and 64 chances, and the message says so and where.
func TestTooManySignsAndChances(t *testing.T) {
	var signs, chances strings.Builder
	for i := range maxSigns + 1 {
		fmt.Fprintf(&signs, "  - {rule: r%d, when: {extension: 0x%x}, do: pass, source: {ref: choice}}\n", i, i)
		fmt.Fprintf(&chances, "  - {rule: r%d, when: {port: %d}, do: pass, chance: 50%%, source: {ref: choice}}\n", i, i)
	}
	for _, c := range []struct{ text, want string }{
		{signs.String(), "test.yaml:69: rule r64: one sign too many: at most 64 different extensions, payloads and tricks of all rules of a policy"},
		{chances.String(), "test.yaml:69: rule r64: one chance too many: at most 64 rules of a policy may have one"},
	} {
		_, err := parseText(t, "rules:\n"+c.text).Compile()
		require.EqualError(t, err, c.want)
		lines := strings.SplitAfter(c.text, "\n")
		compile(t, "rules:\n"+strings.Join(lines[:maxSigns], ""))
	}
}

// A rule that is not for every flow, or not asked again, hides none behind it.
func TestShadowing(t *testing.T) {
	const rule = "  - {rule: %s, when: {sni: x.com%s}, do: pass, source: {ref: choice}%s}\n"
	for _, c := range []struct {
		first, second, when string
		hidden              bool
	}{
		{"", "", "", true},
		{"", "", ", size: 5", true},
		{", chance: 50%", "", "", false},
		{"", ", again: true", "", false},
		{", again: true", "", "", true},
		{", unless: [{port: 1}]", "", "", false},
		{", unless: [{port: 1..9}]", ", unless: [{port: 1..9}, {size: 7}]", "", true},
		{", unless: [{port: 1}, {size: 7}]", ", unless: [{port: 1..9}]", "", false},
		{", unless: [{port: 1}, {size: 7}]", ", unless: [{port: 1..9}, {size: [6, 7]}]", "", true},
	} {
		text := "policy: test\n" + head + "rules:\n" + fmt.Sprintf(rule, "one", "", c.first) + fmt.Sprintf(rule, "two", c.when, c.second)
		_, err := Parse("test.yaml", []byte(text), nil)
		if c.hidden {
			require.ErrorContains(t, err, `found rule "two", which is never reached`, text)
		} else {
			require.NoError(t, err, text)
		}
	}
}

// FuzzStretches: what is read is written in a form that reads the same.
func FuzzStretches(f *testing.F) {
	f.Add("0: 16 fe fd, 0x5a: 1d 00 17 00 18")
	f.Add("4: 01 02, 0: 00 00 00 00")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := parseStretches(text)
		if err != nil {
			return
		}
		again, err := parseStretches(writeStretches(all))
		require.NoError(t, err)
		require.Equal(t, all, again)
		for i := 1; i < len(all); i++ {
			require.LessOrEqual(t, all[i-1].At+len(all[i-1].Bytes), all[i].At)
		}
	})
}

// FuzzAddresses: no table ends the program, and an error is one line.
func FuzzAddresses(f *testing.F) {
	f.Add([]byte("meta 203.0.113.0/27 2001:db8:fb::/48 # AS32934\n\nx 192.0.2.1\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := ParseAddresses("x.table", data)
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
			return
		}
		for _, name := range a.Names() {
			require.NotEmpty(t, a.Prefixes(name))
		}
	})
}
