package tools

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/lab/probe"
)

// Each file of testdata/errors has one thing wrong, and says in its first line what the message is.
func TestErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/errors/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			first, _, _ := strings.Cut(string(data), "\n")
			want, ok := strings.CutPrefix(first, "# error: ")
			require.True(t, ok, "the first line must be # error: and the message")
			_, err = Parse(filepath.Base(file), data)
			require.EqualError(t, err, want)
			require.IsType(t, &Error{}, err)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

const small = `# everything at once
tool: small
about: >-
  A tool with
  every key.
link: https://example.org/small
tried: false
version: small --version
needs: [tun, helper]
secrets: {id: uuid, key: x25519, pass: password 16, cert: "certificate {cover}"}
files:
  server.json: |
    {"id": "{id}", "key": "{key.private}", "literal": "{{id}", "times": "a{3}"}
  client.json: "{key.public} {name}"
server:
  env: {LEVEL: debug}
  before: "small keygen {dir}"
  run: small serve -c {dir}/server.json
  ready: [tcp 443, "log (?i)serving .*"]
client:
  user: plain
  run: [small, dial, "{server}", "a b"]
  ready: tcp 1080
  within: 40s
  after: [ip route replace default dev tun0, "sh -c 'echo \"a  b\"'"]
  undo: [ip route del default]
traffic: "socks5h://u:{pass}@127.0.0.1:1080"
carries: [https, download]
variants:
  http:
    about: by CONNECT
    tried: true
    client: {ready: tcp 8080, after: none}
    traffic: http://127.0.0.1:8080
    carries: none
  alone:
    server: none
    secrets: {other: hex 4}
    files: {client.json: "{other}"}
    direct: false
`

func TestParse(t *testing.T) {
	all, err := Parse("small.yaml", []byte(small))
	require.NoError(t, err)
	require.Len(t, all, 3)

	a := all[0]
	require.Equal(t, "small", a.Name)
	require.Equal(t, "A tool with every key.", a.About)
	require.Equal(t, "https://example.org/small", a.Link)
	require.False(t, a.Tried)
	require.False(t, a.Direct, "it has a server part")
	require.Equal(t, []probe.Type{"https", "download"}, a.Carries)
	require.Equal(t, []string{"tun", "helper", "small", "ip", "sh"}, a.def.needs, "and the first words of all commands")
	require.Equal(t, secret{name: "pass", kind: "password", length: 16}, a.def.secrets[2])
	require.Equal(t, secret{name: "cert", kind: "certificate", of: "{cover}"}, a.def.secrets[3])
	require.Equal(t, command{"small", "keygen", "{dir}"}, a.def.server.before[0])
	require.Equal(t, uint16(443), a.def.server.ready[0].port)
	require.Regexp(t, a.def.server.ready[1].regexp, "now Serving all")
	require.Equal(t, defaultWithin, a.def.server.within)
	require.True(t, a.def.client.plain)
	require.Equal(t, command{"small", "dial", "{server}", "a b"}, a.def.client.run)
	require.Equal(t, 40*time.Second, a.def.client.within)
	require.Equal(t, command{"sh", "-c", `echo "a  b"`}, a.def.client.after[1])
	require.Equal(t, traffic{way: waySOCKS5H, at: "127.0.0.1:1080", user: "u", password: "{pass}"}, a.def.traffic)

	http := all[1]
	require.Equal(t, "small/http", http.Name)
	require.Equal(t, "by CONNECT", http.About)
	require.True(t, http.Tried)
	require.Equal(t, uint16(8080), http.def.client.ready[0].port)
	require.Equal(t, a.def.client.run, http.def.client.run, "keys that the variant does not name stay")
	require.Nil(t, http.def.client.after)
	require.Equal(t, wayHTTP, http.def.traffic.way)
	require.Contains(t, http.Carries, probe.Type("chat"))

	alone := all[2]
	require.Nil(t, alone.def.server)
	require.False(t, alone.Direct, "as said")
	require.Len(t, alone.def.secrets, 5)
	require.Equal(t, file{"client.json", "{other}"}, alone.def.files[1])
}

func TestADefinitionOfVariantsAlone(t *testing.T) {
	all, err := Parse("a.yaml", []byte("tool: a\nabout: b\ntraffic: builtin\nvariants:\n  x: {builtin: {utls: chrome}}\n  y: {builtin: {quic: quic-go}}\n"))
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, "a/x", all[0].Name)
	require.True(t, all[0].Direct)
	require.Equal(t, []probe.Type{"http3"}, all[1].Carries)
}

func TestShippedDefinitions(t *testing.T) {
	require.Subset(t, Names(), []string{"direct", "curl"})
	for _, name := range Names() {
		all, err := Open(name)
		require.NoError(t, err)
		for _, tool := range all {
			base, _, _ := strings.Cut(tool.Name, "/")
			require.Equal(t, name, base, "a file is the tool's name")
			require.NotEmpty(t, tool.Carries)
		}
	}
}

func TestOpen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "small.yaml")
	require.NoError(t, os.WriteFile(file, []byte(small), 0o644))
	all, err := Open(file)
	require.NoError(t, err)
	require.Len(t, all, 3)
	one, err := Open(file + "/http")
	require.NoError(t, err)
	require.Len(t, one, 1)
	require.Equal(t, "small/http", one[0].Name)
	_, err = Open(file + "/htp")
	require.ErrorContains(t, err, `found no variant "htp", expected http or alone; did you mean "http"?`)
	_, err = Open("no/such.yaml")
	require.EqualError(t, err, "no/such.yaml: cannot read the definition: no such file or directory")
	_, err = Open("crul")
	require.ErrorContains(t, err, "crul: no tool of this name ships, expected ")
	require.ErrorContains(t, err, `did you mean "curl"?`)
	_, err = Open("curl/ws")
	require.ErrorContains(t, err, `found no variants, expected "ws"`)
}

func TestSplitWords(t *testing.T) {
	for text, want := range map[string]command{
		"a b":                  {"a", "b"},
		"  a\n\tb ":            {"a", "b"},
		`a 'b c' "d 'e'" f\ g`: {"a", "b c", "d 'e'", "f g"},
		`a "" ''`:              {"a", "", ""},
		`a"b"'c'`:              {"abc"},
		`"a \" \\ \n"`:         {`a " \ \n`},
		`'a \'`:                {`a \`},
	} {
		got, err := splitWords(text)
		require.NoError(t, err)
		require.Equal(t, want, got, "%q", text)
		again, err := splitWords(got.String())
		require.NoError(t, err)
		require.Equal(t, got, again, "%q", got.String())
	}
	_, err := splitWords(`a "b`)
	require.EqualError(t, err, "a quote that does not end")
}

func TestFill(t *testing.T) {
	values := map[string]string{"dir": "/d", "key.public": "K"}
	require.Equal(t, `/d/a K {dir} {"x": {}} a{3} {{ {other}`, fill(`{dir}/a {key.public} {{dir} {"x": {}} a{3} {{ {other}`, values))
	require.True(t, hasGoalWord("a {name}"))
	require.False(t, hasGoalWord("a {{name} {dir}"))
}

// FuzzParse: no file ends the program, an error is one line with a place, and what is read can be split and filled again.
func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	for _, pattern := range []string{"*.yaml", "testdata/errors/*.yaml"} {
		files, err := filepath.Glob(pattern)
		require.NoError(f, err)
		for _, file := range files {
			data, err := os.ReadFile(file)
			require.NoError(f, err)
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := Parse("fuzz.yaml", data)
		if err != nil {
			require.IsType(t, &Error{}, err)
			require.NotContains(t, err.Error(), "\n")
			return
		}
		for _, tool := range all {
			for _, c := range tool.def.commands() {
				again, err := splitWords(c.String())
				require.NoError(t, err)
				require.Equal(t, c, again)
			}
		}
	})
}
