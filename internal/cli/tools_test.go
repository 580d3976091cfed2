package cli

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/scenarios/tools"
)

func TestToolsUsage(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	require.NoError(t, os.WriteFile(bad, []byte("tool: bad\nabout: x\ntrafic: client\n"), 0o644))
	for _, c := range []struct{ args, want string }{
		{"tools crul", `did you mean "curl"?`},
		{"tools check", "dpilab tools check mine.yaml"},
		{"tools check " + bad, bad + `:3:1: found the key "trafic"`},
		{"check " + bad, bad + `:3:1: found the key "trafic"`},
		{"tools try", "dpilab tools try curl"},
		{"tools try utls", "try one of them, such as utls/chrome"},
		{"tools try curl --goal htps", `--goal: found "htps", expected what curl carries: http, https or download; did you mean "https"?`},
		{"tools try curl --policy nosuch", "nosuch"},
		{"tools try curl --server nowhere", `--server: topology internet has no host "nowhere"`},
	} {
		code, out, err := call(t, strings.Fields(c.args)...)
		require.Equal(t, exitUsage, code, c.args)
		require.Empty(t, out, c.args)
		require.Contains(t, err, c.want, c.args)
		require.Equal(t, 1, strings.Count(err, "\n"), err)
	}
}

func TestToolsList(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.yaml")
	text := "tool: mine\nabout: my own\ntried: false\nlink: https://example.org\nclient: {run: no-such-program, ready: tcp 1080}\ntraffic: socks5://127.0.0.1:1080\n" +
		"variants: {fast: {about: faster}, here: {about: another, tried: true, client: {run: sh}}}\n"
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	code, out, _ := call(t, "tools", file, "direct")
	require.Equal(t, exitOK, code)
	require.Equal(t, `mine                   missing: no-such-program is not on PATH  https://example.org
                       * my own
  /fast                * faster
  /here                another; here
direct                 here
                       no tool at all, the client itself
* checked against its documentation only
`, out)

	code, out, _ = call(t, "tools", "--json", file+"/fast")
	require.Equal(t, exitOK, code)
	var all []toolJSON
	require.NoError(t, json.Unmarshal([]byte(out), &all))
	require.Equal(t, []toolJSON{{
		Name: "mine/fast", About: "faster", Link: "https://example.org", File: file, Direct: true,
		Carries: []string{"connect", "http", "https", "chat", "download"}, Missing: []string{"no-such-program is not on PATH"},
	}}, all)

	code, out, _ = call(t, "check", file)
	require.Equal(t, exitOK, code)
	require.Equal(t, file+": 3 tools: mine, mine/fast, mine/here\n", out)

	code, out, _ = call(t, "list")
	require.Equal(t, exitOK, code)
	for _, name := range tools.Names() {
		require.Contains(t, out, "\n  "+name+" ")
	}
}

func TestToolsTry(t *testing.T) {
	code, out, stderr := call(t, "tools", "try", "utls/firefox")
	require.Equal(t, exitOK, code, out+stderr)
	require.Regexp(t, `^client part       ready after .*\nthrough utls/firefox https twitter.com: ok \(handshake .*, first byte .*, all .*\)\n$`, out)

	code, out, stderr = call(t, "tools", "try", "direct", "--policy", "2025-home")
	require.Equal(t, exitUnexpected, code, out+stderr)
	require.Contains(t, out, "without the tool  https twitter.com: reset after ClientHello")
	require.Contains(t, out, "through direct    https twitter.com: reset after ClientHello")
	require.Contains(t, out, "sends the ClientHello", "the story")

	file := filepath.Join(t.TempDir(), "mine.yaml")
	text := "tool: mine\nabout: my own\nserver: {run: sh -c 'echo no key; exit 9', ready: tcp 443}\nclient: {run: sleep 1, ready: exit}\ntraffic: socks5://127.0.0.1:1080\n"
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	code, _, stderr = call(t, "tools", "try", file)
	require.Equal(t, exitUnexpected, code)
	require.Equal(t, "dpilab: mine: server on server: sh -c 'echo no key; exit 9' ended with exit code 9 before it was ready (tcp 443); it wrote no key\n", stderr)

	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(text, "sh -c", "no-such-program -c", 1)), 0o644))
	code, _, stderr = call(t, "tools", "try", file)
	require.Equal(t, exitMachine, code)
	require.Equal(t, "dpilab: mine: no-such-program is not on PATH\n", stderr)

	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	code, out, _ = call(t, "tools", "try", "curl", "--site", "no.such.name")
	require.Equal(t, exitUnexpected, code)
	require.Contains(t, out, "nxdomain\nwhat it wrote:\nclient: curl: (6) ")
}

func TestToolsSchema(t *testing.T) {
	code, out, _ := call(t, "tools", "schema")
	require.Equal(t, exitOK, code)
	require.Equal(t, string(tools.Schema()), out)
}
