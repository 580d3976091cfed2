package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/rules/lists"
)

// inFolder makes files in a folder of the test's own and goes there.
func inFolder(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	}
}

func contents(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(data)
}

const (
	hostsFile = "0.0.0.0 ads.example\n0.0.0.0 ads.example\n0.0.0.0 bad..example\n"
	dumpFile  = "Updated: 2026-01-01\n;plain.example;;x;1;2026-01-01\n192.0.2.0/24;;;x;2;2026-01-01\n"
)

func TestListsImport(t *testing.T) {
	inFolder(t, map[string]string{"hosts": hostsFile, "dump.csv": dumpFile, "f.txt": "||ads.example^\n@@||good.example^\n"})

	code, out, stderr := call(t, "lists", "import", "hosts")
	require.Zero(t, code, stderr)
	require.Equal(t, "# by dpilab lists import from hosts (hosts)\n=ads.example\n", out)
	require.Contains(t, stderr, "hosts:3: found a label of 0 letters")
	require.Contains(t, stderr, "3 entries read, 1 kept (1 domain, 0 prefixes); 1 duplicate, 0 covered, 0 merged without loss, 1 bad, 0 not expressible\n")

	code, _, stderr = call(t, "lists", "import", "f.txt")
	require.Zero(t, code)
	require.Contains(t, stderr, "exceptions (1) are not written: --exceptions FILE does\n")

	code, out, stderr = call(t, "lists", "import", "hosts", "--max-errors", "0", "--output", "ads")
	require.Zero(t, code, stderr)
	require.Empty(t, out)
	require.Contains(t, stderr, "... and 1 more entry that cannot be read\n")
	require.Equal(t, "# by dpilab lists import from hosts (hosts)\n=ads.example\n", contents(t, "ads.domains"))

	code, _, stderr = call(t, "lists", "import", "dump.csv", "--output", "register")
	require.Zero(t, code, stderr)
	require.Contains(t, contents(t, "register.domains"), "\n=plain.example\n")
	require.Contains(t, contents(t, "register.prefixes"), "\n192.0.2.0/24\n")

	code, out, _ = call(t, "lists", "import", "dump.csv", "--kind", "prefixes")
	require.Zero(t, code)
	require.Equal(t, "# by dpilab lists import from dump.csv (rkn)\n192.0.2.0/24\n", out)

	code, _, _ = call(t, "lists", "import", "f.txt", "--exceptions", "good", "--output", "f.domains")
	require.Zero(t, code)
	require.Contains(t, contents(t, "good.domains"), "\ngood.example\n")
	require.Contains(t, contents(t, "f.domains"), "\nads.example\n")

	code, _, stderr = call(t, "lists", "import", "hosts", "--json")
	require.Zero(t, code)
	var report lists.Report
	require.NoError(t, json.Unmarshal([]byte(stderr), &report))
	require.Equal(t, 1, report.Bad)
	require.Equal(t, lists.Hosts, report.Sources[0].Format)
	left, err := filepath.Glob(".*")
	require.NoError(t, err)
	require.Empty(t, left, "files beside the lists")
}

// A compiled list stands beside its text, and what is no list of domains has none.
func TestListsCompile(t *testing.T) {
	inFolder(t, map[string]string{"a.domains": "a.example\n", "b.domains": "bad..example\n", "c.prefixes": "192.0.2.0/24\n"})
	code, out, stderr := call(t, "lists", "compile", "a.domains")
	require.Zero(t, code, stderr)
	require.Equal(t, "a.domains.compiled\n", out)
	require.NotEmpty(t, contents(t, "a.domains.compiled"))
	for file, want := range map[string]string{"b.domains": "b.domains:1: ", "c.prefixes": "expected a list of domains", "nosuch.domains": "no such file"} {
		code, out, stderr := call(t, "lists", "compile", file)
		require.Equal(t, exitUsage, code)
		require.Empty(t, out)
		require.Contains(t, stderr, want)
	}
}

// What cannot be done writes nothing and says what to do.
func TestListsImportRefuses(t *testing.T) {
	inFolder(t, map[string]string{"hosts": hostsFile, "dump.csv": dumpFile, "text": "some words here\n", "old.domains": "old.example\n"})
	for _, c := range []struct{ args, want string }{
		{"lists", "dpilab lists compile FILE; what ships is in dpilab list"},
		{"lists improt", `unknown command "improt" for dpilab lists: it has`},
		{"list import", "block lists are the matter of dpilab lists import"},
		{"lists import", "lists import takes files"},
		{"lists import nosuch", "no such file"},
		{"lists import hosts --country RU", "--country is about the formats [geoip mmdb]"},
		{"lists compile", "lists compile takes lists"},
		{"lists import text", "name it with --format"},
		{"lists import text --format plain", "nothing could be read from text as plain"},
		{"lists import text --format what", "--format: found format"},
		{"lists import hosts --kind both", "--kind: found"},
		{"lists import hosts --kind prefixes", "the files have none"},
		{"lists import hosts --asn x", "--asn: found"},
		{"lists import hosts --max-memory lots", "--max-memory: found"},
		{"lists import hosts --strict --output old.domains", "--strict: nothing was written"},
		{"lists import hosts --output old.prefixes", "let the name end in .domains"},
		{"lists import dump.csv", "choose with --kind"},
		{"lists import dump.csv --output old.domains", "leave the ending off"},
		{"lists import hosts --output nosuch/x", "cannot write nosuch/x.domains"},
	} {
		code, out, stderr := call(t, strings.Fields(c.args)...)
		require.Equal(t, exitUsage, code, c.args)
		require.Empty(t, out, c.args)
		require.Contains(t, stderr, c.want, c.args)
	}
	require.Equal(t, "old.example\n", contents(t, "old.domains"))
}
