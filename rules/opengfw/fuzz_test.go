package opengfw

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever the rules are, nothing panics, and what comes out loads.
func FuzzConvert(f *testing.F) {
	files, err := filepath.Glob("testdata/*.golden")
	require.NoError(f, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(f, err)
		input, _, _ := strings.Cut(string(data), policyMark)
		f.Add([]byte(input))
		for rule := range strings.SplitSeq(input, "\n- ") {
			f.Add([]byte("- " + rule))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Convert("fuzz.yaml", data, Options{Name: "fuzz", Date: "2026-01-31"})
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
			return
		}
		loads(t, "fuzz", r)
	})
}

// FuzzExpression goes through the brackets of one expression alone.
func FuzzExpression(f *testing.F) {
	for _, e := range []string{
		`proto == "tcp" && !(port.dst in [1, 2] || port.src in 3..4)`, `any(dns.questions, {.name matches "a|b"})`, `((tls?.req)?.sni)["x"][0] ?? nil`,
		`not not not tls.req.ech`, `lower(string(string(quic.req.sni))) in ["a", 1, nil]`, `port.dst == 99999999999999999999`, `-1 < port.dst`,
	} {
		f.Add(e)
	}
	f.Fuzz(func(t *testing.T, e string) {
		s := source{line: 1, name: "x", action: block, expr: e}
		c := converter{file: "x", options: Options{"x", "2026-01-31"}, said: map[string]bool{}, names: map[string]bool{}, lists: map[string]list{}}
		c.rule(s)
		text := c.settle()
		loads(t, "x", &Result{Policy: text, Notes: c.notes, Made: len(c.made)})
		require.Positive(t, len(c.notes)+len(c.made), "a rule goes over, or it is said why not")
	})
}
