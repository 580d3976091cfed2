package rules

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// useMemory sets the limit for the time of a test.
func useMemory(t testing.TB, bytes int64) {
	t.Cleanup(func() { UseLimits(Limits{}) })
	UseLimits(Limits{Memory: bytes})
}

// endless gives numbered lines for ever.
type endless struct {
	form string
	n    int
	left []byte
}

func (e *endless) Read(b []byte) (int, error) {
	for len(e.left) < len(b) {
		e.left = fmt.Appendf(e.left, e.form, e.n)
		e.n++
	}
	n := copy(b, e.left)
	e.left = e.left[:copy(e.left, e.left[n:])]
	return n, nil
}

// However long a list is, it is read only as far as the memory goes, and the error says where and what to do.
func TestListsAreBounded(t *testing.T) {
	useMemory(t, 1<<20)
	for _, c := range []struct{ file, form string }{
		{"l.domains", "site%d.example.com\n"}, {"l.domains", "*site%d*\n"}, {"l.domains", "keyword:site%d\n"}, {"l.domains", "regexp:site%d\n"},
		{"l.domains", "192-0-2-1.site%d.0\n"}, {"l.prefixes", "2001:db8::%x\n"},
	} {
		from := &endless{form: c.form}
		_, err := readList("l", c.file, from, 1<<50, newBudget())
		require.ErrorContains(t, err, ": found more than fits into 1MiB of memory, together with the policy's other lists: raise --max-memory, or use a part of the list")
		var e *Error
		require.ErrorAs(t, err, &e)
		require.Greater(t, e.Line, 100)
		require.Less(t, from.n, 50_000)
	}
}

// The lists of a policy, and of those that it extends, have one limit.
func TestListsShareTheLimit(t *testing.T) {
	files := fstest.MapFS{
		"a.domains": {Data: manyLines(10_000, "")}, "b.domains": {Data: manyLines(10_000, "b.")},
		"base.yaml": {Data: []byte("policy: base\ndate: 2025-01-01\nabout: one\nlists: {a: a.domains}\n" +
			"rules: [{rule: one, when: {sni: a}, do: pass, source: {ref: choice}}]\n")},
	}
	top := []byte("policy: top\ndate: 2025-01-01\nabout: two\nextends: base.yaml\nlists: {b: b.domains}\n" +
		"rules: [{rule: two, when: {sni: b}, do: pass, source: {ref: choice}}]\n")
	_, err := Parse("top.yaml", top, files)
	require.NoError(t, err)
	useMemory(t, 800_000)
	_, err = Parse("base.yaml", files["base.yaml"].Data, files)
	require.NoError(t, err)
	_, err = Parse("top.yaml", top, files)
	require.ErrorContains(t, err, "b.domains:")
	require.ErrorContains(t, err, "raise --max-memory")
}

// A policy file of any length is refused, not read.
func TestPolicyFileIsBounded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "p.yaml")
	f, err := os.Create(file)
	require.NoError(t, err)
	_, err = io.WriteString(f, "policy: p\n")
	require.NoError(t, err)
	require.NoError(t, f.Truncate(1<<40))
	require.NoError(t, f.Close())
	_, err = Load(file)
	require.ErrorContains(t, err, "expected at most")
}

func TestParseMemory(t *testing.T) {
	for s, want := range map[string]int64{"1GiB": 1 << 30, "2GB": 2e9, "512MiB": 512 << 20, "64KB": 64_000, "10B": 10} {
		got, err := ParseMemory(s)
		require.NoError(t, err)
		require.Equal(t, want, got, s)
	}
	for _, s := range []string{"", "1", "0MB", "-1MB", "1.5GiB", "1 GiB", "1TB", "99999999999GB"} {
		_, err := ParseMemory(s)
		require.EqualError(t, err, fmt.Sprintf("found %q, expected bytes such as 512MiB or 2GB", s))
	}
	require.Equal(t, "1GiB 1536MiB 1000B", strings.Join([]string{memoryWord(1 << 30), memoryWord(1536 << 20), memoryWord(1000)}, " "))
}
