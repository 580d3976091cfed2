package lists

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"

	"dpilab/rules"
)

var update = flag.Bool("update", false, "write what comes out into the golden files")

// golden is a file of testdata: lines of options, then files, each behind a line -- name --. Those named want are what must come out, the
// rest go in: name cp1251 is encoded so, name.gz packed.
type golden struct {
	options Options
	imports []string
	head    string
	in      []section
	want    map[string]string
}

type section struct{ name, text string }

func readGolden(t *testing.T, file string) golden {
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	g := golden{options: Options{MaxErrors: 100}, want: map[string]string{}}
	var all []section
	for line := range strings.Lines(string(data)) {
		if name, ok := strings.CutPrefix(line, "-- "); ok {
			all = append(all, section{name: strings.TrimSuffix(strings.TrimSpace(name), " --")})
			continue
		}
		if len(all) == 0 {
			g.head += line
			g.option(t, strings.Fields(line))
			continue
		}
		all[len(all)-1].text += line
	}
	for _, s := range all {
		if strings.HasPrefix(s.name, "want") {
			g.want[s.name] = s.text
			continue
		}
		g.in = append(g.in, s)
	}
	return g
}

func (g *golden) option(t *testing.T, words []string) {
	var err error
	if len(words) == 0 || words[0] == "#" {
		return
	}
	o := &g.options
	switch words[0] {
	case "import":
		g.imports = words[1:]
	case "format":
		o.Format, err = ParseFormat(words[1])
	case "tag":
		o.Tags = words[1:]
	case "attribute":
		o.Attributes = words[1:]
	case "subdomains":
		o.Subdomains = true
	case "anomalies":
		o.Anomalies = true
	case "max-errors":
		o.MaxErrors, err = strconv.Atoi(words[1])
	default:
		require.Fail(t, "unknown option", words[0])
	}
	require.NoError(t, err)
}

// place puts the files into the current folder.
func (g *golden) place(t *testing.T) {
	for i, s := range g.in {
		name, data := s.name, []byte(s.text)
		if plain, ok := strings.CutSuffix(name, " cp1251"); ok {
			name = plain
			encoded, err := charmap.Windows1251.NewEncoder().Bytes(data)
			require.NoError(t, err)
			data = encoded
		}
		if strings.HasSuffix(name, ".gz") {
			data = packed(t, data)
		}
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, data, 0o644))
		if g.imports == nil && i == len(g.in)-1 {
			for _, s := range g.in {
				g.imports = append(g.imports, strings.TrimSuffix(s.name, " cp1251"))
			}
		}
	}
}

func packed(t testing.TB, data []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(data)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Bytes()
}

// outcome is what must come out of an import, by the sections of a golden file.
func outcome(t testing.TB, r *Result, err error) map[string]string {
	var report strings.Builder
	for _, p := range r.Report.Problems {
		fmt.Fprintf(&report, "bad %s\n", p)
	}
	for _, p := range r.Report.Inexpressible {
		fmt.Fprintf(&report, "not expressible %s\n", p)
	}
	for _, n := range r.Report.Notes {
		fmt.Fprintf(&report, "note %s\n", n)
	}
	fmt.Fprintln(&report, r.Report.Summary())
	out := map[string]string{}
	if err != nil {
		fmt.Fprintf(&report, "error %v\n", err)
	} else {
		out = written(t, r)
	}
	out["want"] = report.String()
	return out
}

func written(t testing.TB, r *Result) map[string]string {
	out := map[string]string{}
	var domains, prefixes, exceptions bytes.Buffer
	require.NoError(t, r.WriteDomains(&domains))
	require.NoError(t, r.WritePrefixes(&prefixes))
	require.NoError(t, r.WriteExceptions(&exceptions))
	if r.Report.Domains > 0 {
		out["want.domains"] = domains.String()
	}
	if r.Report.Prefixes > 0 {
		out["want.prefixes"] = prefixes.String()
	}
	if r.Report.Exceptions > 0 {
		out["want.exceptions"] = exceptions.String()
	}
	return out
}

// Each file of testdata is an import: what goes in, the lists and the report that must come out.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.golden")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".golden"), func(t *testing.T) {
			g := readGolden(t, file)
			file, err := filepath.Abs(file)
			require.NoError(t, err)
			t.Chdir(t.TempDir())
			g.place(t)
			r, err := Import(t.Context(), g.imports, g.options)
			requireSums(t, &r.Report)
			got := outcome(t, r, err)
			if *update {
				g.write(t, file, got)
				return
			}
			require.Equal(t, g.want, got)
			requireLoads(t, r, got)
		})
	}
}

func (g *golden) write(t *testing.T, file string, got map[string]string) {
	text := g.head
	for _, s := range g.in {
		text += "-- " + s.name + " --\n" + s.text
	}
	for _, name := range []string{"want.domains", "want.prefixes", "want.exceptions", "want"} {
		if s, ok := got[name]; ok {
			text += "-- " + name + " --\n" + s
		}
	}
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
}

// requireSums: nothing that was read gets lost.
func requireSums(t testing.TB, r *Report) {
	require.Equal(t, r.Read, r.Kept+r.Duplicates+r.Covered+r.Merged+r.Bad+r.NotExpressible+r.Skipped, "%+v", r)
}

// requireLoads: a policy takes the lists as they are.
func requireLoads(t testing.TB, r *Result, out map[string]string) {
	dir := t.TempDir()
	for name, n := range map[string]int{"domains": r.Report.Domains, "prefixes": r.Report.Prefixes} {
		text, ok := out["want."+name]
		if !ok {
			continue
		}
		when := map[string]string{"domains": "sni", "prefixes": "to"}[name]
		require.NoError(t, os.WriteFile(filepath.Join(dir, "l."+name), []byte(text), 0o644))
		policy := filepath.Join(dir, "p.yaml")
		require.NoError(t, os.WriteFile(policy, []byte("policy: p\ndate: 2026-01-01\nabout: x\nlists: {l: l."+name+"}\n"+
			"rules:\n  - {rule: r, when: {"+when+": l}, do: {drop: both}, source: {ref: choice}}\n"), 0o644))
		_, err := rules.Load(policy)
		require.NoError(t, err, text)
		require.Equal(t, n, strings.Count(text, "\n")-1) // without the header
	}
}
