package scenarios

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
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

const small = `scenario: small
about: >-
  A probe
  of each kind.
lab: subscriber
timeout: 2s
phases:
  - {phase: one, date: 2025-07-01, policy: 2025-home}
  - {phase: two, date: 2026-02-12, policy: 2026-whatsapp, resolver: {remove: [whatsapp.com]}}
probes:
  - {probe: names, dns: whatsapp.com, at: resolver, over: tcp, family: 6, expect: {one: resolved to meta, else: [nxdomain, no answer]}}
  - {connect: "neutral:443", expect: ok, later: 15m}
  - {http: example.org, path: /ip, expect: {two: ok}}
  - {chat: "g.whatsapp.net:5222", bytes: 2MB, via: tunnel, expect: ok}
  - {call: call.whatsapp.net, for: 1s, timeout: 500ms, expect: loss < 5 %}
  - probe: program
    exec: [curl, https://example.org]
    needs: [curl, sh]
    outcomes: [{exit: 7, is: refused}, {output: "^hm", is: reset after request}]
    expect: ok
controls:
  - {https: max.ru, address: max, hello: short}
`

func TestParse(t *testing.T) {
	s, err := Parse("small.yaml", []byte(small))
	require.NoError(t, err)
	require.Equal(t, "small", s.Name)
	require.Equal(t, "A probe of each kind.", s.About)
	require.Equal(t, "client", s.Client)
	require.Equal(t, []string{"whatsapp.com"}, s.Phases[1].Remove)
	require.Equal(t, "2026-whatsapp", s.Phases[1].Policy())
	require.Len(t, s.Probes, 7)

	names := s.Probes[0]
	require.Equal(t, probe.TypeDNS, names.Type)
	require.True(t, names.TCP)
	require.Equal(t, 6, names.Family)
	require.Equal(t, "resolver", names.Resolver)
	require.Equal(t, 2*time.Second, names.Timeout)
	e, ok := names.Expected("two")
	require.True(t, ok)
	require.Equal(t, "nxdomain or no answer", e.String())

	require.Equal(t, "connect neutral:443", s.Probes[1].Name)
	require.Equal(t, 15*time.Minute, s.Probes[1].Later)
	_, ok = s.Probes[2].Expected("one")
	require.False(t, ok, "neither named nor else: not tried")
	require.True(t, s.Probes[3].Tunnel)
	require.EqualValues(t, 2<<20, s.Probes[3].Bytes)
	require.Equal(t, time.Second, s.Probes[4].For)
	require.Equal(t, 500*time.Millisecond, s.Probes[4].Timeout)
	require.Equal(t, []string{"curl", "sh"}, s.Probes[5].Needs)
	require.Len(t, s.Probes[5].Results, 2, "own outcomes take the place of those of curl")

	control := s.Probes[6]
	require.True(t, control.Control)
	require.Equal(t, probe.HelloShort, control.Hello)
	require.Equal(t, "https max.ru", control.Name)
	e, ok = control.Expected("two")
	require.True(t, ok)
	require.Equal(t, "ok", e.String())
}

func TestOpenFindsFilesAndFolders(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "small")
	require.NoError(t, os.Mkdir(folder, 0o755))
	policy := "policy: mine\ndate: 2026-01-01\nabout: nothing new\nextends: 2025-home\n" +
		"rules:\n  - {rule: a, when: {sni: [a.example]}, do: {drop: both}, source: {ref: choice}}\n"
	require.NoError(t, os.WriteFile(filepath.Join(folder, "mine.yaml"), []byte(policy), 0o644))
	text := strings.Replace(small, "policy: 2025-home", "policy: mine.yaml", 1)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "scenario.yaml"), []byte(text), 0o644))
	for _, name := range []string{folder, filepath.Join(folder, "scenario.yaml")} {
		s, err := Open(name)
		require.NoError(t, err)
		require.Equal(t, "mine", s.Phases[0].Policy())
	}
}

func TestOpenSaysWhatThereIs(t *testing.T) {
	_, err := Open("whatsap-full-block")
	require.ErrorContains(t, err, `whatsap-full-block: no scenario of this name ships, expected every-policy, two-filters or whatsapp-full-block, or a path`)
	require.ErrorContains(t, err, `did you mean "whatsapp-full-block"?`)
	_, err = Open("no/such.yaml")
	require.EqualError(t, err, "no/such.yaml: cannot read the scenario: no such file or directory")
}

func TestShippedScenariosHaveAREADME(t *testing.T) {
	for _, name := range Names() {
		s, err := Open(name)
		require.NoError(t, err)
		require.Equal(t, name, s.Name)
		text, err := Readme(name)
		require.NoError(t, err)
		require.Contains(t, string(text), "# "+name)
		for _, p := range s.Phases {
			require.Contains(t, string(text), p.Date, "the README says what happened in phase %s", p.Name)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(small)
	data, err := shipped.ReadFile("whatsapp-full-block/scenario.yaml")
	require.NoError(f, err)
	f.Add(strings.ReplaceAll(string(data), "README.md", ""))
	f.Fuzz(func(t *testing.T, text string) {
		known := strings.NewReplacer("https://", "", "example.org/", "", "web.whatsapp.com/", "", "x.com/", "", "/dev/null", "", "/ip", "")
		if rest := known.Replace(text); strings.Contains(rest, "/") || strings.Contains(rest, ".yaml") {
			return // it could name any file of the machine
		}
		if _, err := Parse("fuzz.yaml", []byte(text)); err != nil {
			require.NotContains(t, err.Error(), "\n")
		}
	})
}
