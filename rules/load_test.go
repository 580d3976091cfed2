package rules

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
)

const head = "date: 2025-01-01\nabout: a test\n"

// Every word of the grammar, and what becomes of it.
func TestParseAll(t *testing.T) {
	p, err := Parse("policies/all.yaml", []byte(`
policy: all
`+head+`
lists:
  names: lists/names.domains
  nets: [192.0.2.0/24, 2001:db8::1]
  good: [max.ru]
profile:
  reassembly: {tcp: true, records: true, both: true, bytes: 8192, segments: 6}
  originator: any
  inspect: {packets: 7, unknown: 200}
  idle: {tcp: 10m, udp: 30s, other: 1m30s}
  trailing dot: same
  miss: 2.5%
  flows: 1000
  fail: closed
rules:
  - rule: everything
    when:
      sni: [names, other.example]
      to: [nets, 198.51.100.0/24]
      from: 10.0.0.0/8
      protocol: [tls, quic]
      transport: tcp
      port: [443, 5222..5228]
      opened: inside
    unless: {sni: good}
    do: {drop: down, after: 5..8 packets, residual: 420s, refresh: true}
    source: {ref: IMC22*, confidence: P2}
  - {rule: r1, when: {host: names}, do: pass, source: {ref: choice}}
  - {rule: r2, when: {query: names}, do: {redirect: [192.0.2.53, "2001:db8::53"]}, source: {ref: choice}}
  - {rule: r3, when: {transport: tcp}, do: {reset: server packet, residual: 75s}, source: {ref: choice}}
  - {rule: r4, when: {protocol: stun}, do: {police: 140kbit, burst: 16KB}, source: {ref: choice}}
  - {rule: r5, when: {transport: icmp}, do: {capacity: 5}, source: {ref: choice}}
  - {rule: r6, when: all, do: {learn: server port, after: 10m, then: {drop: both, after: 3 packets}}, source: {ref: choice}}
`), fstest.MapFS{"policies/lists/names.domains": {Data: []byte("x.com\n")}})
	require.NoError(t, err)
	want := DefaultProfile()
	want.Reassembly = Reassembly{TCP: true, Records: true, Both: true, Bytes: 8192, Segments: 6}
	want.Originator = false
	want.Inspect, want.Unknown = Range{7, 7}, 200
	want.TCPIdle, want.UDPIdle, want.OtherIdle = 10*time.Minute, 30*time.Second, 90*time.Second
	want.TrailingDot, want.Miss, want.Flows, want.FailClosed = true, Chance{Share: 0.025}, 1000, true
	require.Equal(t, want, p.Profile)
	require.Equal(t, []string{"all", "2025-01-01", "a test", "policies/all.yaml"}, []string{p.Name, p.Date, p.About, p.File})
	require.Len(t, p.Rules, 7)
	require.Equal(t, Rule{
		Name: "everything", Policy: "all", Line: 20, file: "policies/all.yaml",
		When: Condition{
			SNI: []string{"names", "other.example"}, To: []string{"nets", "198.51.100.0/24"}, From: []string{"10.0.0.0/8"},
			Protocol: []Protocol{ProtocolTLS, ProtocolQUIC}, Transport: []Transport{TransportTCP},
			Port: []Range{{443, 443}, {5222, 5228}}, Opened: SideInside,
		},
		Unless: []Condition{{SNI: []string{"good"}}},
		Do:     Do{Mechanism: MechanismDrop, Direction: Down, After: Count{Range: Range{5, 8}}, Residual: 420 * time.Second, Refresh: true},
		Source: Source{"IMC22*", "P2"},
	}, p.Rules[0])
	require.Equal(t, "IMC22* (P2)", p.Rules[0].Source.String())
	require.Equal(t, "choice", p.Rules[1].Source.String())
	var does []Do
	for _, r := range p.Rules[1:] {
		does = append(does, r.Do)
	}
	require.Equal(t, []Do{
		{Mechanism: MechanismPass},
		{Mechanism: MechanismRedirect, Resolver: []netip.Addr{netip.MustParseAddr("192.0.2.53"), netip.MustParseAddr("2001:db8::53")}},
		{Mechanism: MechanismReset, Residual: 75 * time.Second},
		{Mechanism: MechanismPolice, Rate: 17500, Burst: 16000},
		{Mechanism: MechanismCapacity, Capacity: 5},
		{Mechanism: MechanismLearn, Delay: 10 * time.Minute, Then: &Do{Mechanism: MechanismDrop, After: Count{Range: Range{3, 3}}}},
	}, does)
	require.True(t, p.List("names").Domains())
	require.False(t, p.List("nets").Domains())
}

// Own rules first; a rule of the base that has the name of an own one is left out; keys and lists are taken over one by one.
func TestExtends(t *testing.T) {
	fsys := fstest.MapFS{
		"base.yaml": {Data: []byte("policy: base\n" + head + `
lists: {a: [a.com], b: [b.com]}
profile: {reassembly: {tcp: true, bytes: 100}, flows: 5}
rules:
  - {rule: one, when: {sni: a}, do: pass, source: {ref: choice}}
  - {rule: two, when: {sni: b}, do: pass, source: {ref: choice}}
`)},
		"more/new.yaml": {Data: []byte("policy: new\n" + head + `
extends: ../base.yaml
lists: {b: [c.com]}
profile: {reassembly: {segments: 9}, miss: 1%}
rules:
  - {rule: three, when: {sni: c.example}, do: pass, source: {ref: choice}}
  - {rule: one, when: {host: b}, do: {drop: up}, source: {ref: choice}}
`)},
	}
	p, err := Parse("more/new.yaml", fsys["more/new.yaml"].Data, fsys)
	require.NoError(t, err)
	var names, from []string
	for _, r := range p.Rules {
		names, from = append(names, r.Name), append(from, r.Policy)
	}
	require.Equal(t, []string{"three", "one", "two"}, names)
	require.Equal(t, []string{"new", "new", "base"}, from)
	require.Equal(t, MechanismDrop, p.Rules[1].Do.Mechanism)
	require.Equal(t, Reassembly{TCP: true, Bytes: 100, Segments: 9}, p.Profile.Reassembly)
	require.Equal(t, 5, p.Profile.Flows)
	require.InDelta(t, 0.01, p.Profile.Miss.Share, 1e-9)
	c, err := p.Compile()
	require.NoError(t, err)
	f := Facts{Known: AllFacts, SNI: c.Name([]byte("c.com"))}
	require.Equal(t, 2, c.Match(&f), "the base's rule reads the list that took the place of its own")
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "mine.yaml")
	require.NoError(t, os.Mkdir(filepath.Join(dir, "lists"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "lists", "x.domains"), []byte("x.example\r\n"), 0o644))
	require.NoError(t, os.WriteFile(file, []byte("\ufeffpolicy: mine\r\n"+head+"extends: 2026-dns\nlists: {mine: lists/x.domains}\nrules:\n"+
		"  - {rule: mine, when: {sni: mine}, do: pass, source: {ref: choice}}\n"), 0o644))
	p, err := Open(file)
	require.NoError(t, err)
	require.Equal(t, "mine", p.Rules[0].Name)
	require.Greater(t, len(p.Rules), 5)

	p, err = Open("2025-home")
	require.NoError(t, err)
	require.Equal(t, "2025-home", p.Name)

	_, err = Open("2025-hone")
	require.ErrorContains(t, err, `did you mean "2025-home"?`)
	_, err = Open("nowhere/none.yaml")
	require.EqualError(t, err, "nowhere/none.yaml: cannot read the policy: no such file or directory")
}

// FuzzParse: no file ends the program, an error is one line with a place, and what is read compiles or says why not.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/errors/*.yaml")
	shipped, _ := filepath.Glob("policies/*.yaml")
	for _, file := range append(files, shipped...) {
		data, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(filepath.Base(file), data)
	}
	f.Fuzz(func(t *testing.T, file string, data []byte) {
		if strings.ContainsAny(file, "\r\n") {
			t.Skip("a file of such a name has an error of two lines")
		}
		p, err := Parse(file, data, os.DirFS("policies"))
		if err == nil {
			_, err = p.Compile()
		}
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
			require.IsType(t, &Error{}, err)
		}
	})
}
