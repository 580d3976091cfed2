package rules

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStats(t *testing.T) {
	c := compile(t, `
lists:
  names: [bad.example, "*worse*", other.example]
  nets: [192.0.2.0/24, 198.51.100.0/25, 198.51.100.128/25]
rules:
  - {rule: blocked, when: {to: nets}, do: {drop: both}, source: {ref: choice}}
  - {rule: names, when: {sni: names, transport: tcp}, do: {drop: both, after: 3 packets}, source: {ref: choice}}
  - {rule: counted, when: {to: 203.0.113.0/24, transport: udp}, do: {freeze: both, after: 25 payload packets}, source: {ref: choice}}
  - {rule: slow, when: {port: 443..445, transport: udp}, do: {police: 1mbit, burst: 16KB}, source: {ref: choice}}`)
	s := c.Stats()
	require.Equal(t, 4, s.Rules)
	require.Len(t, s.Lists, 2)
	require.Equal(t, "names", s.Lists[0].Name)
	require.Equal(t, 3, s.Lists[0].Entries)
	require.True(t, s.Lists[0].Domains)
	require.GreaterOrEqual(t, s.Lists[1].Bytes, int64(3*32), "of three prefixes")

	rules, bytes := 0, s.Lists[0].Bytes+s.Lists[1].Bytes
	of := map[string]IndexStats{}
	for _, x := range s.Indexes {
		rules += x.Rules
		bytes += x.Bytes
		of[x.Of] = x
	}
	require.Equal(t, 4, rules, "each rule is kept once")
	require.Equal(t, bytes, s.Bytes)
	require.Equal(t, 2, of["rules by to"].Rules)
	require.Equal(t, 1, of["rules by sni"].Rules)
	require.Equal(t, 1, of["rules by port"].Rules)

	require.True(t, s.Queue.Payload)
	require.False(t, s.Queue.Everything)
	require.Equal(t, []BlockStats{{"blocked", "both", 2}}, s.Queue.Blocks)
	needed := map[string]string{}
	for _, x := range s.Queue.Interests {
		for _, name := range x.Rules {
			needed[name] += x.Packets
		}
	}
	require.Equal(t, map[string]string{
		"names": "packets, tcp", "counted": "packets, udp, to 1 prefix", "slow": "packets, udp, port 443..445"}, needed)
	says := strings.Join(s.Queue.Says, "\n")
	require.Contains(t, says, "rule names reads sni")
	require.NotContains(t, says, "slow reads")
	require.Contains(t, says, "rule blocked")

	require.Empty(t, s.Seen[0].Rules)
	require.Equal(t, c.Profile.Inspect.Max, s.Seen[0].Payload)
	until := map[string]string{}
	for _, x := range s.Seen[1:] {
		for _, name := range x.Rules {
			until[name] = x.Until
		}
	}
	require.Equal(t, map[string]string{"blocked": "at once", "names": "until 3 packets have passed",
		"counted": "until 25 payload packets have come", "slow": "to its end"}, until)
}

// Why everything is queued is said by the rules that alone need it.
func TestStatsOfEverything(t *testing.T) {
	s := compile(t, `
rules:
  - {rule: some, when: {port: 25, transport: tcp}, do: {drop: both}, source: {ref: choice}}
  - {rule: all, when: {transport: tcp}, do: {drop: both, residual: 60s, hold: server}, source: {ref: choice}}`).Stats()
	require.True(t, s.Queue.Everything)
	require.Len(t, s.Queue.Interests, 1)
	require.Len(t, s.Queue.Interests[0].Rules, 1)
	require.Contains(t, s.Queue.Says[0], "rule all")
	require.Contains(t, strings.Join(s.Queue.Says, "\n"), "the headers")

	s = compile(t, `
profile: {fail: closed}
rules: [{rule: some, when: {port: 25, transport: tcp}, do: {drop: both}, source: {ref: choice}}]`).Stats()
	require.Contains(t, s.Queue.Says[0], "are lost")
}

// Each shipped policy can be told about, each of its rules is kept once and has a place in what is seen, and what needs a packet is named.
func TestStatsOfShipped(t *testing.T) {
	for _, name := range ShippedNames() {
		p, err := Shipped(name)
		require.NoError(t, err)
		c, err := p.Compile()
		require.NoError(t, err)
		s, kept, seen := c.Stats(), 0, 0
		for _, x := range s.Indexes {
			kept += x.Rules
			require.Positive(t, x.Values, name)
		}
		for _, x := range s.Seen {
			seen += len(x.Rules)
		}
		require.Equal(t, []int{len(c.Rules), len(c.Rules)}, []int{kept, seen}, name)
		for _, x := range s.Queue.Interests {
			require.NotEmpty(t, x.Rules, name)
			require.NotEqual(t, []string{"its rules together"}, x.Rules, name)
		}
		_, err = json.Marshal(s)
		require.NoError(t, err)
	}
}
