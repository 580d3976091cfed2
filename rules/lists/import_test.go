package lists

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"dpilab/rules"
)

// stream imports what a reader gives as names a line.
func stream(t testing.TB, in io.Reader, o Options) (*Result, error) {
	o.Format, o.Input = Plain, in
	return Import(t.Context(), []string{"-"}, o)
}

// repeated gives a text many times.
type repeated struct {
	text string
	n    int
	rest string
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.rest == "" {
		if r.n == 0 {
			return 0, io.EOF
		}
		r.n--
		r.rest = r.text
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// counting gives names that are all different.
type counting struct{ n, last int }

func (c *counting) Read(p []byte) (int, error) {
	if c.n == c.last {
		return 0, io.EOF
	}
	c.n++
	return copy(p, fmt.Sprintf("name%d.example\n", c.n)), nil
}

// What is the same again needs no memory; what is new does, and ends in an error that says what to do.
func TestMemoryLimit(t *testing.T) {
	const limit = 8 << 20
	var block strings.Builder
	for i := range 10000 {
		fmt.Fprintf(&block, "name%d.example\n", i)
	}
	r, err := stream(t, &repeated{text: block.String(), n: 50}, Options{MaxMemory: limit})
	require.NoError(t, err)
	require.Equal(t, 10000, r.Report.Kept)
	require.Equal(t, 490000, r.Report.Duplicates)
	require.Less(t, r.domains.size(), int64(limit))

	r, err = stream(t, &counting{last: 10_000_000}, Options{MaxMemory: limit})
	var place *rules.Error
	require.ErrorAs(t, err, &place)
	require.ErrorContains(t, err, "the memory limit of 8 MB")
	require.ErrorContains(t, err, "raise --max-memory")
	require.Less(t, r.Report.Read, 200000)

	_, err = stream(t, &counting{last: 20000}, Options{MaxMemory: limit})
	require.NoError(t, err)
	_, _, err = importing(t, "g.dat", bytes.Repeat(siteList(), 1+limit/4/len(siteList())), Options{MaxMemory: limit})
	require.ErrorContains(t, err, "raise --max-memory")
}

func TestLines(t *testing.T) {
	long := strings.Repeat("a", 10<<20)
	r, err := stream(t, strings.NewReader("\ufeffone.example\r\n"+long+"\ntwo.example\n\n"+long+" # tail\nthree.example"), Options{MaxErrors: 9})
	require.NoError(t, err)
	require.Equal(t, []string{"one.example", "three.example", "two.example"}, entriesOf(&r.domains))
	require.Equal(t, "-:2: found a line of 10485761 bytes, expected 1048576 or fewer", r.Report.Problems[0].String())
	require.Equal(t, 5, r.Report.Problems[1].Line)

	comment := "ok.example #" + strings.Repeat("x", maxLine-50)
	r, err = stream(t, strings.NewReader(comment+"\nnext.example\n"), Options{})
	require.NoError(t, err)
	require.Equal(t, 2, r.Report.Kept)
}

func TestUnclosedQuotation(t *testing.T) {
	in := "url,category_code\nhttps://a.example,\"x" + strings.Repeat("\nhttps://b.example,NEWS", maxLine/20)
	_, _, err := importing(t, "l.csv", []byte(in), Options{})
	require.ErrorContains(t, err, "l.csv:2: found a record longer than 1048576 bytes: a quotation mark may not be closed")
}

func TestBrokenGzip(t *testing.T) {
	whole := packed(t, []byte(strings.Repeat("name.example\n", 20000)))
	_, _, err := importing(t, "l.gz", whole[:len(whole)-20], Options{Format: Plain})
	require.ErrorContains(t, err, "unexpected EOF")
	_, _, err = importing(t, "l.gz", whole[:3], Options{Format: Plain})
	require.ErrorContains(t, err, "l.gz: cannot unpack: unexpected EOF")
}

// Several files are one list, and the first that cannot be read ends the import.
func TestSeveralFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		return file
	}
	a, b := write("a.txt", "www.x.example\ny.example\n"), write("b.hosts", "0.0.0.0 x.example\n0.0.0.0 y.example\n")
	r, err := Import(t.Context(), []string{a, b}, Options{})
	require.NoError(t, err)
	require.Equal(t, []string{"=x.example", "www.x.example", "y.example"}, entriesOf(&r.domains))
	require.Equal(t, []Source{{a, Plain}, {b, Hosts}}, r.Report.Sources)
	_, err = Import(t.Context(), []string{a, filepath.Join(dir, "nosuch")}, Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = Import(t.Context(), []string{dir}, Options{})
	require.ErrorContains(t, err, "is a folder: of domain-list-community, name the lists to take with --tag")
	_, err = Import(t.Context(), nil, Options{})
	require.ErrorContains(t, err, "no file")
}

// Who waits no longer need not.
func TestStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	_, err := Import(ctx, []string{"-"}, Options{Format: Plain, Input: &counting{last: 10_000_000}})
	require.ErrorIs(t, err, context.Canceled)
	_, err = Import(ctx, []string{"-"}, Options{Format: CitizenLab, Input: io.MultiReader(strings.NewReader("url,x\n"), &counting{last: 10_000_000})})
	require.ErrorIs(t, err, context.Canceled)
}

// The header stays a line that a list can have.
func TestHeader(t *testing.T) {
	r := Report{}
	for range 300 {
		r.Sources = append(r.Sources, Source{"folder/имя\n.txt", Hosts})
	}
	h := r.header()
	require.Less(t, len(h), 1100)
	require.Equal(t, 1, strings.Count(h, "\n"))
	require.True(t, utf8.ValidString(h))
	require.Contains(t, h, `"имя\n.txt" (hosts), `)
}

// An option that no file can heed is an error, not a silence.
func TestUnusedOptions(t *testing.T) {
	for _, o := range []Options{{Tags: []string{"x"}}, {Attributes: []string{"x"}}, {Countries: []string{"RU"}}, {ASNs: []uint32{1}}, {Anomalies: true}, {Subdomains: true}} {
		_, _, err := importing(t, "a.txt", []byte("a.example\n"), o)
		require.ErrorContains(t, err, "none of the files has one")
	}
	_, _, err := importing(t, "google", []byte("full:a.example\n"), Options{Tags: []string{"x"}})
	require.ErrorContains(t, err, "give its folder")
}

func TestDetect(t *testing.T) {
	for _, c := range []struct {
		name, head string
		want       Format
	}{
		{"a", "# c\n\nname.example\n", Plain},
		{"a.domains", "keyword:x\n", Plain},
		{"a.prefixes.gz", "192.0.2.1\n", CIDR},
		{"a", "*.name.example\nb.example\n", Plain},
		{"a", "127.0.0.1\tname.example\n", Hosts},
		{"a", "192.0.2.0/24\n2001:db8::1\n", CIDR},
		{"a", "192.0.2.1 - 192.0.2.9\n", CIDR},
		{"a", "^name.example\n", Zapret},
		{"a", "full:name.example\n", V2Fly},
		{"a", "name.example @ads\nother.example\n", V2Fly},
		{"a", "! c\n||name.example^\n", AdBlock},
		{"a", "[Adblock Plus 2.0]\n", AdBlock},
		{"a.csv", "url,category_code,notes\n", CitizenLab},
		{"a.csv", "\ufeffURL,Category_Code\n", CitizenLab},
		{"a.csv", "measurement_uid,input,confirmed\n", OONI},
		{"dump.csv", "Updated: 2026-01-01 00:00:00 +0000\n", RKN},
		{"x.mmdb", "anything", MMDB},
		{"geosite.dat", string(siteList()), GeoSite},
		{"geoip.dat", string(ipList()), GeoIP},
		{"list", string(siteList()), GeoSite},
		{"a", "", Detect},
		{"a", "# only a comment\n", Detect},
		{"a", "keyword:x\n", Detect},
		{"a", "a,b,c\n1,2,3\n", Detect},
		{"a", "\x00\x01\x02", Detect},
		{"x.dat", "text\n", Detect},
	} {
		got, err := detect(c.name, []byte(c.head))
		require.Equal(t, c.want, got, "%q", c.head)
		require.Equal(t, c.want == Detect, err != nil, "%q", c.head)
	}
}

// A million names: go test ./rules/lists -bench Million
func BenchmarkMillionNames(b *testing.B) {
	for b.Loop() {
		r, err := stream(b, &counting{last: 1_000_000}, Options{})
		require.NoError(b, err)
		require.NoError(b, r.WriteDomains(io.Discard))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e6, "ns/name")
}
