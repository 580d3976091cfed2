package opengfw

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/rules"
)

var update = flag.Bool("update", false, "write what comes out into the golden files")

const (
	policyMark = "\n======== policy\n"
	reportMark = "\n======== report\n"
)

// Each golden file has rules of OpenGFW, the policy that they become, and the report.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.golden")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".golden")
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			input, rest, ok := strings.Cut(string(data), policyMark)
			require.True(t, ok || *update, "no policy")
			r, err := Convert(name+".yaml", []byte(input+"\n"), Options{Name: name, Date: "2026-01-31"})
			require.NoError(t, err)
			policy, report := string(r.Policy), reportOf(r)
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(strings.TrimSuffix(input, "\n")+policyMark+policy+reportMark+report), 0o644))
				return
			}
			wantPolicy, wantReport, ok := strings.Cut(rest, reportMark)
			require.True(t, ok, "no report")
			require.Equal(t, wantPolicy, policy)
			require.Equal(t, wantReport, report)
			loads(t, name, r)
		})
	}
}

func reportOf(r *Result) string {
	var b strings.Builder
	for _, n := range r.Notes {
		b.WriteString(n.String() + "\n")
	}
	return b.String()
}

// loads requires that the policy is one, with as many rules as are said.
func loads(t testing.TB, name string, r *Result) {
	t.Helper()
	if r.Policy == nil {
		require.Zero(t, r.Made)
		return
	}
	files := stubs{}
	for line := range strings.SplitSeq(string(r.Policy), "\n") {
		_, file, _ := strings.Cut(line, ": ")
		switch filepath.Ext(file) {
		case ".domains":
			files[file] = "example.com\n"
		case ".prefixes":
			files[file] = "192.0.2.0/24\n"
		}
	}
	p, err := rules.Parse(name+".yaml", r.Policy, files)
	require.NoError(t, err, "%s", r.Policy)
	require.Len(t, p.Rules, r.Made)
	_, err = p.Compile()
	require.NoError(t, err)
	for _, n := range r.Notes {
		require.NotContains(t, n.String(), "\n")
	}
}

// A policy has a few places for parts of names: rules that differ in their names alone share one, and others that find none are told.
func TestManyStars(t *testing.T) {
	var same, others strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&same, "- {name: n%d, action: block, expr: 'string(tls?.req?.sni) endsWith \"n%d.example\"'}\n", i, i)
	}
	r, err := Convert("same.yaml", []byte(same.String()), Options{Name: "same", Date: "2026-01-31"})
	require.NoError(t, err)
	require.True(t, r.Complete())
	require.Equal(t, 1, r.Made)
	require.Contains(t, string(r.Policy), "  # line 1: n0, and 999 more to line 1000\n")
	loads(t, "same", r)

	for i := range 2 * maxStars {
		fmt.Fprintf(&others, "- {name: n%d, action: block, expr: 'string(tls?.req?.sni) endsWith \"n%d.example\" && port.dst == %d'}\n", i, i, i)
	}
	r, err = Convert("others.yaml", []byte(others.String()), Options{Name: "others", Date: "2026-01-31"})
	require.NoError(t, err)
	require.False(t, r.Complete())
	require.Equal(t, maxStars, r.Made)
	loads(t, "others", r)
}

func TestNoRules(t *testing.T) {
	for _, text := range []string{"", "x", "{}", "[]", "- &a {name: x}\n- *a\n---\n"} {
		_, err := Convert("x.yaml", []byte(text), Options{Name: "x", Date: "2026-01-31"})
		var e *rules.Error
		require.ErrorAs(t, err, &e, "%q", text)
	}
	r, err := Convert("x.yaml", []byte("- {name: log, log: true, expr: 'true'}\n"), Options{Name: "x", Date: "2026-01-31"})
	require.NoError(t, err)
	require.Nil(t, r.Policy)
	require.True(t, r.Complete())
}
