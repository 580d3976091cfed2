package rules

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// parseList reads a list out of memory.
func parseList(name, file string, data []byte) (*List, error) {
	return readList(name, file, bytes.NewReader(data), int64(len(data)), newBudget())
}

// lines gives the entries as a file has them: those that are neither stars nor keywords first.
func (l *List) lines() (all []string) {
	l.suffixes.each(func(hits, name []byte) {
		f := []form{formExact, formUnder, formTree}[hits[0]-1]
		all = append(all, pattern{f, string(name)}.String())
	})
	for _, p := range l.patterns {
		all = append(all, p.String())
	}
	return all
}

func TestListFile(t *testing.T) {
	l, err := parseList("x", "x.domains", []byte("\ufeff# head\r\nX.com # tail\r\n\r\n  =y.com\r\n*.z.com\n*w.com\n*v*\nkeyword:u\n=X.com\nT13d*\n=z.com"))
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"x.com", "=y.com", "z.com", "*w.com", "*v*", "keyword:u", "t13d*"}, l.lines())
	require.Equal(t, 7, l.Len())
	require.True(t, l.Domains())

	l, err = parseList("n", "n.prefixes", []byte("192.0.2.0/24\n192.0.2.7\n2001:db8::/32 # six\n::ffff:192.0.2.1\n0.0.0.0/0\n"))
	require.NoError(t, err)
	var all []string
	for _, p := range l.Prefixes {
		all = append(all, p.String())
	}
	require.Equal(t, []string{"192.0.2.0/24", "192.0.2.7/32", "2001:db8::/32", "192.0.2.1/32", "0.0.0.0/0"}, all)
}

func TestListErrors(t *testing.T) {
	label := strings.Repeat("a", 63)
	long := strings.Join([]string{label, label, label, label}, ".")
	for _, c := range []struct{ file, line, want string }{
		{"l.domains", strings.Repeat(" ", 4097), "found a line of more than 4096 bytes, expected one entry a line"},
		{"l.prefixes", "# " + strings.Repeat("a", 5000), "found a line of more than 4096 bytes, expected one entry a line"},
		{"l.domains", "regexp:a(b", `found "regexp:a(b", expected a regular expression as RE2 has them: missing closing ): "a(b"`},
		{"l.domains", "regexp:a{1001}", `found "regexp:a{1001}", expected a regular expression as RE2 has them: invalid repeat count: "{1001}"`},
		{"l.domains", `regexp:(\pL\d){999}(\pL\d){999}`, `found "regexp:(\\pL\\d){999}(\\pL\\d){999}", expected a regular expression as RE2 has them: it comes to 7994 steps, expected 4096 or fewer`},
		{"l.domains", "x.com.", `found "x.com.", expected "x.com" without the last dot`},
		{"l.domains", ".x.com", `found a label of 0 letters in ".x.com", expected 1 to 63`},
		{"l.domains", label + "a.com", "found a label of 64 letters in \"" + label + "a.com\", expected 1 to 63"},
		{"l.domains", long, "found a name of 255 letters, expected 253 or fewer"},
		{"l.domains", "*", `found "*", expected a name`},
		{"l.domains", "**", `found "**", expected stars at the beginning or the end only`},
		{"l.domains", "a*b", `found "a*b", expected stars at the beginning or the end only`},
		{"l.domains", "=", `found "=", expected a name`},
		{"l.domains", "keyword:a.b", `found "keyword:a.b", expected one label without dots after "keyword:"`},
		{"l.domains", "пример.рф", `found "пример.рф", expected the ASCII form (xn--...) of the name`},
		{"l.domains", "192.0.2.1", `found "192.0.2.1", which is an address, expected a name`},
		{"l.domains", ".", `found a label of 0 letters in ".", expected 1 to 63`},
		{"l.prefixes", "x.com", `found "x.com", expected a prefix or an address`},
		{"l.prefixes", "192.0.2.0/33", `found "192.0.2.0/33", expected a prefix or an address`},
		{"l.prefixes", "2001:db8::1/64", `found "2001:db8::1/64", which has bits behind the prefix, expected 2001:db8::/64`},
		{"l.prefixes", "fe80::1%eth0", `found "fe80::1%eth0", expected a prefix or an address`},
		{"l.prefixes", "::ffff:192.0.2.0/120", `found "::ffff:192.0.2.0/120", expected the prefix in its IPv4 form`},
	} {
		_, err := parseList("l", c.file, []byte("# one\n"+c.line+"\n"))
		require.EqualError(t, err, c.file+":2: "+c.want)
	}
}

// A file without line ends is not read to its end.
func TestListLineIsBounded(t *testing.T) {
	_, err := readList("l", "l.domains", strings.NewReader("x.com\n\n"+strings.Repeat("y", 200<<10)), 0, newBudget())
	require.EqualError(t, err, "l.domains:3: found a line of more than 4096 bytes, expected one entry a line")
	_, err = readList("l", "l.domains", io.MultiReader(strings.NewReader(strings.Repeat("y", 1<<20)), iotest.ErrReader(io.ErrNoProgress)), 0, newBudget())
	require.EqualError(t, err, "l.domains:1: found a line of more than 4096 bytes, expected one entry a line")
	_, err = readList("l", "l.domains", io.MultiReader(strings.NewReader("x.com\n"), iotest.ErrReader(io.ErrNoProgress)), 0, newBudget())
	require.Equal(t, io.ErrNoProgress, err)
}

// However a text is cut, it is the same list.
func TestListInPieces(t *testing.T) {
	text := "\ufeff# head\r\nx.com\r\n" + strings.Repeat(strings.Repeat(" ", 4090)+"y.com\n", 100) + "z.com"
	for _, from := range []io.Reader{iotest.OneByteReader(strings.NewReader(text)), iotest.DataErrReader(strings.NewReader(text)), iotest.HalfReader(strings.NewReader(text))} {
		l, err := readList("l", "l.domains", from, 0, newBudget())
		require.NoError(t, err)
		require.ElementsMatch(t, []string{"x.com", "y.com", "z.com"}, l.lines())
	}
}

func TestLongestNamesAreAllowed(t *testing.T) {
	label := strings.Repeat("a", 63)
	name := strings.Join([]string{label, label, label, label[:61]}, ".")
	p, err := parsePattern(name)
	require.NoError(t, err)
	require.Len(t, p.text, 253)
	x := nameIndex(name)
	require.NotZero(t, x.class([]byte(name)))
	require.Zero(t, x.class([]byte("aa."+name)), "256 bytes are no name")
}

// FuzzList: a list that can be read says the same of every name as string functions do, and reads the same again.
func FuzzList(f *testing.F) {
	f.Add("x.com\n=y.com\n*.z.com", "www.x.com")
	f.Add("*t.co*\n*twitter.com # ends\nkeyword:whatsapp", "microsoft.com")
	f.Add("\ufeffruTracker.ORG\r\n", "rutracker.org.")
	f.Add("192.0.2.0/24\n2001:db8::1", "192.0.2.1")
	f.Add("regexp:^www[0-9]+\\.x\nregexp:\\bcdn\\b\n=a", "img.cdn.example")
	f.Add("t13d*\n*_8daaf6152771_*\na*", "t13d1516h2_8daaf6152771_d8a2da3f94cd")
	f.Fuzz(func(t *testing.T, text, name string) {
		_, _ = parseList("l", "l.prefixes", []byte(text))
		l, err := parseList("l", "l.domains", []byte(text))
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
			return
		}
		lines := l.lines()
		again, err := parseList("l", "l.domains", []byte(strings.Join(lines, "\n")))
		require.NoError(t, err)
		require.ElementsMatch(t, lines, again.lines())
		want := false
		for _, line := range lines {
			want = want || len(name) <= 255 && lineHas(line, lower(name))
		}
		for _, size := range []int{1, 1 << 20} { // kept as big, and not
			bigList = size
			p := &Policy{lists: map[string]*List{"l": l}, Rules: []Rule{{When: Condition{SNI: []string{"l"}}}}}
			c, err := p.Compile()
			require.NoError(t, err)
			got := c.Match(&Facts{Known: AllFacts, SNI: c.Name([]byte(name))})
			require.Equal(t, want, got == 0, "%q in %q", name, lines)
		}
	})
}

// nameIndex makes an index of one list.
func nameIndex(lines ...string) *names {
	b := newNamesBuilder(false)
	for _, line := range lines {
		p, err := parsePattern(line)
		must(err)
		must(b.add(p, b.classes.single(0), 1))
	}
	x, err := b.build()
	must(err)
	return &x
}
