package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/lab"
	"dpilab/lab/bench"
)

func TestMain(m *testing.M) {
	bench.Hidden()
	lab.Enter()
	os.Exit(m.Run())
}

// call runs a command line.
func call(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(t.Context(), args, &out, &err)
	return code, out.String(), err.String()
}

// A wrong command line or file is one line that says what and what to do, and exit code 2.
func TestUsage(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	require.NoError(t, os.WriteFile(bad, []byte("policy: bad\ndate: 2026-01-01\nabout: x\nrulez: []\n"), 0o644))
	for _, c := range []struct{ args, want string }{
		{"run", "run takes one scenario"},
		{"run whatsap-full-block", "whatsapp-full-block"},
		{"run whatsapp-full-block --phase ful", "full"},
		{"run whatsapp-full-block --frob", "unknown flag: --frob"},
		{"shell whatsapp-full-block nohost -- true", "hosts: client"},
		{"shell whatsapp-full-block --phase nophase -- true", "phases: before"},
		{"box", "--inside and --outside"},
		{"box --inside a --outside b", "--policy"},
		{"box --policy nosuch --inside a --outside b", "nosuch"},
		{"box --policy 2025-home --inside a --outside a", "same interface"},
		{"box --policy 2025-home --inside a --outside b", `"a"`},
		{"pcap", "pcap takes one capture"},
		{"pcap a.pcap", "--policy"},
		{"pcap nosuch.pcap --policy 2025-home", "no such file"},
		{"pcap cli_test.go --policy 2025-home", "cli_test.go: neither pcap nor pcapng"},
		{"pcap cli_test.go --policy nosuch", "nosuch"},
		{"pcap cli_test.go --policy 2025-home --inside 10", "--inside: found"},
		{"pcap cli_test.go --policy 2025-home --checksums good", "auto, as-is or fixed"},
		{"pcap cli_test.go --policy 2025-home --marked", "name one"},
		{"pcap cli_test.go --policy 2025-home --out cli_test.go", "the capture itself"},
		{"check", "requires at least 1 arg"},
		{"trace O0266", "O026"},
		{"check " + bad, bad + ":4:1:"},
		{"check --json 2025-home", "--stats"},
		{"check --stats nosuch", "nosuch"},
		{"check /nonexistent.yaml", "no such file"},
		{"check cli_test.go", "neither policy, topology, scenario nor tool"},
		{"list --max-memory much", `--max-memory: found "much", expected bytes such as 512MiB or 2GB`},
		{"list --addresses nosuch.table", "nosuch.table: cannot read the addresses"},
		{"rules", "dpilab rules import-opengfw FILE"},
		{"rules import-opengfw", "takes one file of rules"},
		{"rules import-opengfw nosuch.yaml", "no such file"},
		{"rules import-opengfw cli_test.go", "cli_test.go:"},
		{"rules import-opengfw a.yaml --output A.yaml", "small letters"},
		{"rules import-opengfw a.yaml --date soon", "--date: found"},
		{"frobnicate", "unknown command"},
	} {
		code, out, err := call(t, strings.Fields(c.args)...)
		require.Equal(t, exitUsage, code, c.args)
		require.Empty(t, out, c.args)
		require.Contains(t, err, c.want, c.args)
		require.Equal(t, 1, strings.Count(err, "\n"), err)
	}
}

func TestCheckTakesWhatShips(t *testing.T) {
	files, err := filepath.Glob("../../rules/policies/*.yaml")
	require.NoError(t, err)
	files = append(files, "../../lab/topologies/subscriber.yaml", "../../scenarios/whatsapp-full-block/scenario.yaml")
	code, out, stderr := call(t, append([]string{"check"}, files...)...)
	require.Zero(t, code, stderr)
	require.Equal(t, len(files), strings.Count(out, "\n"))
}

// A file of any length is refused, not read.
func TestCheckIsBounded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "long.yaml")
	require.NoError(t, os.WriteFile(file, []byte("policy: long\n"), 0o600))
	require.NoError(t, os.Truncate(file, 1<<40))
	code, _, err := call(t, "check", file)
	require.Equal(t, exitUsage, code)
	require.Contains(t, err, "long.yaml: found more than 16777216 bytes, expected a policy")
}

// A table of addresses can be checked alone, and is read by every command.
func TestAddresses(t *testing.T) {
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "mine.table"), filepath.Join(dir, "bad.table")
	require.NoError(t, os.WriteFile(good, []byte("lab-alone 192.0.2.0/24 # of our own\n"), 0o644))
	require.NoError(t, os.WriteFile(bad, []byte("lab-alone\n"), 0o644))
	policy := filepath.Join(dir, "mine.yaml")
	require.NoError(t, os.WriteFile(policy, []byte("policy: mine\ndate: 2026-01-01\nabout: x\nlists: {own: {addresses: lab-alone}}\n"+
		"rules:\n  - {rule: own, when: {to: own}, do: {drop: both}, source: {ref: choice}}\n"), 0o644))
	code, out, err := call(t, "check", good)
	require.Equal(t, good+": addresses of 1 organisation\n", out+err)
	require.Zero(t, code)
	code, _, err = call(t, "check", policy)
	require.Equal(t, exitUsage, code)
	require.Contains(t, err, "not in the table of addresses")
	code, _, err = call(t, "list", "--addresses", bad)
	require.Equal(t, exitUsage, code)
	require.Contains(t, err, bad+":1: ")
	code, out, err = call(t, "check", policy, "--addresses", good)
	require.Equal(t, policy+": policy mine of 2026-01-01, 1 rule\n", out+err)
	require.Zero(t, code)
}

func TestList(t *testing.T) {
	code, out, _ := call(t, "list")
	require.Zero(t, code)
	for _, want := range []string{"whatsapp-full-block", "2026-whatsapp", "subscriber"} {
		require.Contains(t, out, want)
	}
}

func TestDoctor(t *testing.T) {
	live(t)
	code, out, stderr := call(t, "doctor", "--json")
	require.Zero(t, code, stderr)
	var features []struct {
		Name            string
		Present, Needed bool
	}
	require.NoError(t, json.Unmarshal([]byte(out), &features))
	require.GreaterOrEqual(t, len(features), 10)
	for _, f := range features {
		require.True(t, f.Present || !f.Needed, f.Name)
	}
}

// One phase with everything that run can write, and a file whose expectation is wrong: exit codes 0 and 1.
func TestRun(t *testing.T) {
	live(t)
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	code, out, stderr := call(t, "run", "whatsapp-full-block", "--phase", "before", "--json", in("report.json"),
		"--junit", in("report.xml"), "--pcap", in("pcap"), "--events", in("events.jsonl"), "--seed", "7")
	require.Zero(t, code, out+stderr)
	require.Contains(t, out, "as expected")
	for _, file := range []string{"report.json", "report.xml", "events.jsonl", "pcap/access.pcapng", "pcap/uplink.pcapng"} {
		info, err := os.Stat(in(file))
		require.NoError(t, err)
		require.NotZero(t, info.Size(), file)
	}

	wrong := in("wrong.yaml")
	require.NoError(t, os.WriteFile(wrong, []byte(`scenario: wrong
about: X is not open
lab: subscriber
phases:
  - {phase: before, date: 2025-07-01, policy: 2025-home}
probes:
  - {probe: X, https: x.com, expect: ok}
`), 0o644))
	code, out, _ = call(t, "run", wrong)
	require.Equal(t, exitUnexpected, code)
	require.Contains(t, out, "reset after ClientHello")
}

// The exit code of a command in the lab is dpilab's.
func TestShell(t *testing.T) {
	live(t)
	code, _, stderr := call(t, "shell", "whatsapp-full-block", "max", "--", "sh", "-c", "exit 7")
	require.Equal(t, 7, code, stderr)
}

// live skips a test that needs a lab where the kernel cannot give one, and says what it lacks.
func live(t *testing.T) {
	t.Helper()
	if err := lab.Missing(); err != nil {
		t.Skip(err)
	}
}

// Traces that ship hold, a wrong expectation is shown beside its line, and a broken file says where.
func TestTrace(t *testing.T) {
	code, out, stderr := call(t, "trace", "O026")
	require.Zero(t, code, stderr)
	require.Contains(t, out, "ok")

	in := func(text string) string {
		file := filepath.Join(t.TempDir(), "mine.trace")
		require.NoError(t, os.WriteFile(file, []byte("source x  confidence choice  policy 2025-home\n"+text), 0o644))
		return file
	}
	code, out, _ = call(t, "trace", in("> syn => dropped\n"))
	require.Equal(t, exitUnexpected, code)
	require.Contains(t, out, "got => passed")
	file := in("> sny\n")
	code, _, stderr = call(t, "trace", file)
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, file+":2:3: ")
	require.Contains(t, stderr, "sny")
	code, out, _ = call(t, "trace", "--json", in("> syn => dropped\n"))
	require.Equal(t, exitUnexpected, code)
	require.Contains(t, out, `"failures":[{"line":2`)
}
