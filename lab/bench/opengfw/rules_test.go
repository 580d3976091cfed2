package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/apernet/OpenGFW/ruleset"
	"github.com/apernet/OpenGFW/ruleset/builtins/geo"
	"github.com/stretchr/testify/require"
)

// What is written is what OpenGFW reads.
func TestRules(t *testing.T) {
	dir := t.TempDir()
	rules, list, names := filepath.Join(dir, "rules.yaml"), filepath.Join(dir, "list.dat"), filepath.Join(dir, "names")
	require.NoError(t, writeRules([]string{"--count", "1000", "--output", rules}))
	all, err := ruleset.ExprRulesFromYAML(rules)
	require.NoError(t, err)
	require.Len(t, all, 1000)
	require.Equal(t, `string(tls?.req?.sni) endsWith "n0000999.example"`, all[999].Expr)

	require.NoError(t, os.WriteFile(names, []byte("a.example\n\nb.example\nc.example\n"), 0o644))
	require.NoError(t, writeRules([]string{"--domains", "2", "--names", names, "--geosite", list, "--output", rules}))
	all, err = ruleset.ExprRulesFromYAML(rules)
	require.NoError(t, err)
	require.Len(t, all, 1)
	m := geo.NewGeoMatcher(list, "/nonexistent")
	require.True(t, m.MatchGeoSite("www.b.example", listName))
	require.False(t, m.MatchGeoSite("c.example", listName))
}

func TestRulesRefuse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	require.NoError(t, os.WriteFile(file, []byte("a.example\n"), 0o644))
	for _, args := range [][]string{
		{"--count", "1"}, {"--output", file}, {"--count", "1", "--domains", "1", "--geosite", file, "--output", file},
		{"--domains", "1", "--output", file}, {"--count", "-1", "--output", file}, {"--count", "2", "--names", file, "--output", file},
	} {
		require.Error(t, writeRules(args), "%v", args)
	}
}
