package rules

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func prefixes(all ...string) (p []netip.Prefix) {
	for _, s := range all {
		p = append(p, netip.MustParsePrefix(s))
	}
	return p
}

const (
	tcpBit = 1 << TransportTCP
	udpBit = 1 << TransportUDP
)

func TestNeed(t *testing.T) {
	for _, x := range []struct {
		name, policy string
		want         Need
	}{
		{"a name of any flow", `
rules: [{rule: a, when: {sni: bad.example}, do: {drop: both}, source: {ref: choice}}]`,
			Need{Payload: true, Interests: []Interest{{Transports: tcpBit | udpBit}}}},
		{"a question", `
rules: [{rule: a, when: {query: bad.example}, do: {answer: nxdomain}, source: {ref: choice}}]`,
			Need{Payload: true, Interests: []Interest{{Transports: udpBit, Ports: []Range{{53, 53}}}}}},
		{"a redirect, and its answers", `
rules: [{rule: a, when: {to: 192.0.2.0/24, transport: udp, port: 53}, do: {redirect: 198.51.100.53}, source: {ref: choice}}]`,
			Need{Payload: true, Interests: []Interest{
				{Transports: udpBit, Ports: []Range{{53, 53}}, To: prefixes("192.0.2.0/24", "198.51.100.53/32")}}}},
		{"a freeze by packets with payload", `
rules: [{rule: a, when: {to: [192.0.2.0/25, 192.0.2.128/25], transport: tcp}, do: {freeze: both, after: 25 payload packets}, source: {ref: choice}}]`,
			Need{Interests: []Interest{{Transports: tcpBit, To: prefixes("192.0.2.0/24")}}}},
		{"a size", `
rules: [{rule: a, when: {size: 1..100, transport: udp}, do: {drop: both, from: payload}, source: {ref: choice}}]`,
			Need{Interests: []Interest{{Transports: udpBit}}}},
		{"a size, and data of what is read for it", `
rules: [{rule: a, when: {size: 1..100, transport: udp}, do: {drop: both, from: data}, source: {ref: choice}}]`,
			Need{Payload: true, Interests: []Interest{{Transports: udpBit}}}},
		{"a freeze that bans a server", `
rules: [{rule: a, when: {to: 192.0.2.0/24, transport: tcp}, do: {freeze: both, after: 25 packets, ban: 10m, hold: server}, source: {ref: choice}}]`,
			Need{Interests: []Interest{{To: prefixes("192.0.2.0/24")}}}},
		{"a ban of any server", `
rules: [{rule: a, when: {transport: tcp}, do: {drop: both, residual: 60s, hold: server}, source: {ref: choice}}]`,
			Need{Everything: true}},
		{"checksums that are checked", `
profile: {fooled by: {checksum: false}}
rules: [{rule: a, when: {transport: tcp, port: 25}, do: {drop: up}, source: {ref: choice}}]`,
			Need{Payload: true, Interests: []Interest{{Transports: tcpBit, Ports: []Range{{25, 25}}}}}},
		{"flows met in their middle", `
profile: {mid-stream: drops}
rules: [{rule: a, when: {transport: udp, port: 443}, do: {drop: up}, source: {ref: choice}}]`,
			Need{Interests: []Interest{{Transports: udpBit, Ports: []Range{{443, 443}}}, {Transports: tcpBit}}}},
		{"a full table", `
profile: {fail: closed}
rules: [{rule: a, when: {transport: udp, port: 443}, do: {drop: up}, source: {ref: choice}}]`,
			Need{Everything: true}},
		{"nothing but passes", `
rules: [{rule: a, when: {sni: good.example}, do: pass, source: {ref: choice}}]`,
			Need{}},
		{"one transport and another", `
rules:
  - {rule: a, when: {transport: tcp, port: 443}, do: {drop: up}, source: {ref: choice}}
  - {rule: b, when: {transport: tcp, port: 444..450}, do: {drop: up}, source: {ref: choice}}
  - {rule: d, when: {transport: udp, port: 445, to: 192.0.2.1}, do: {capacity: 5}, source: {ref: choice}}
  - {rule: c, when: {transport: udp, port: 443..450}, do: {drop: up}, source: {ref: choice}}`,
			Need{Interests: []Interest{{Transports: tcpBit | udpBit, Ports: []Range{{443, 450}}}}}},
		{"blocks", `
rules:
  - {rule: a, when: {to: [192.0.2.0/24, "2001:db8::/32"]}, unless: {to: 192.0.2.0/26}, do: {drop: both}, source: {ref: choice}}
  - {rule: b, when: {to: 192.0.2.0/23}, do: {drop: up}, source: {ref: choice}}`,
			Need{Blocks: []Block{
				{Rule: 0, Prefixes: prefixes("192.0.2.64/26", "192.0.2.128/25", "2001:db8::/32")},
				{Rule: 1, Direction: Up, Prefixes: prefixes("192.0.2.0/26", "192.0.3.0/24")},
			}}},
		{"blocks of one direction", `
rules:
  - {rule: a, when: {to: 192.0.2.0/25}, do: {drop: up}, source: {ref: choice}}
  - {rule: b, when: {to: 192.0.2.0/24}, do: {drop: up, residual: 10s, hold: server}, source: {ref: choice}}`,
			Need{Blocks: []Block{
				{Rule: 0, Direction: Up, Prefixes: prefixes("192.0.2.0/25")}, {Rule: 1, Direction: Up, Prefixes: prefixes("192.0.2.128/25")},
			}}},
		{"a resolver among what is blocked", `
rules:
  - {rule: a, when: {to: 192.0.2.0/24, transport: udp, port: 53}, do: {redirect: 198.51.100.1}, source: {ref: choice}}
  - {rule: b, when: {to: 198.51.100.0/30}, do: {drop: both}, source: {ref: choice}}
  - {rule: c, when: {to: 198.51.100.0/29}, do: {drop: up}, source: {ref: choice}}`,
			Need{Payload: true,
				Interests: []Interest{{Transports: udpBit, Ports: []Range{{53, 53}}, To: prefixes("192.0.2.0/24", "198.51.100.1/32")},
					{To: prefixes("198.51.100.1/32")}},
				Blocks: []Block{{Rule: 1, Prefixes: prefixes("198.51.100.0/32", "198.51.100.2/31")},
					{Rule: 2, Direction: Up, Prefixes: prefixes("198.51.100.4/30")}}}},
		{"a rule before a block", `
rules:
  - {rule: a, when: {to: 192.0.2.0/28, port: 443}, do: pass, source: {ref: choice}}
  - {rule: b, when: {to: 192.0.2.0/27}, do: {drop: both}, source: {ref: choice}}`,
			Need{Interests: []Interest{{To: prefixes("192.0.2.0/28")}},
				Blocks: []Block{{Rule: 1, Prefixes: prefixes("192.0.2.16/28")}}}},
		{"a name before a block, with the same outcome", `
rules:
  - {rule: a, when: {sni: bad.example}, do: {drop: both, residual: 10s}, source: {ref: choice}}
  - {rule: b, when: {to: 192.0.2.0/27}, do: {drop: both}, source: {ref: choice}}`,
			Need{Payload: true, Interests: []Interest{{Transports: tcpBit | udpBit}},
				Blocks: []Block{{Rule: 1, Prefixes: prefixes("192.0.2.0/27")}}}},
		{"a name before a block, with another", `
rules:
  - {rule: a, when: {sni: good.example}, do: pass, source: {ref: choice}}
  - {rule: b, when: {to: 192.0.2.0/27}, do: {drop: both}, source: {ref: choice}}`,
			Need{Payload: true, Interests: []Interest{{To: prefixes("192.0.2.0/27")}}}},
		{"no blocks where flows are missed", `
profile: {miss: 1%}
rules: [{rule: b, when: {to: 192.0.2.0/27}, do: {drop: both}, source: {ref: choice}}]`,
			Need{Interests: []Interest{{To: prefixes("192.0.2.0/27")}}}},
		{"no block before a count", `
rules: [{rule: b, when: {to: 192.0.2.0/27}, do: {drop: both, after: 3 packets}, source: {ref: choice}}]`,
			Need{Interests: []Interest{{To: prefixes("192.0.2.0/27")}}}},
		{"all but a white list", `
rules: [{rule: b, when: all, unless: {to: [128.0.0.0/1, "8000::/1"]}, do: {drop: both}, source: {ref: choice}}]`,
			Need{Blocks: []Block{{Rule: 0, Prefixes: prefixes("0.0.0.0/1", "::/1")}}}},
		{"a box that sees one way", `
profile: {sees: up}
rules: [{rule: b, when: {to: 192.0.2.0/27}, do: {drop: both}, source: {ref: choice}}]`,
			Need{Blocks: []Block{{Rule: 0, Direction: Up, Prefixes: prefixes("192.0.2.0/27")}}}},
	} {
		require.Equal(t, x.want, compile(t, x.policy).Need(), x.name)
	}
}

func TestNeedWithoutBlocks(t *testing.T) {
	n := compile(t, `
rules:
  - {rule: a, when: {to: 192.0.2.0/24}, do: {drop: both}, source: {ref: choice}}
  - {rule: b, when: {to: 198.51.100.0/24}, do: {police: 1mbit, burst: 16KB}, source: {ref: choice}}`).Need()
	require.Equal(t, []Interest{{To: prefixes("198.51.100.0/24")}}, n.Interests)
	require.Equal(t, Need{Interests: []Interest{{To: prefixes("192.0.2.0/24", "198.51.100.0/24")}}}, n.WithoutBlocks())
	require.Len(t, n.Blocks, 1, "the need itself is as it was")
}

// Many rules of different ports and addresses give few interests, and one list that they share is not put together anew for each.
func TestNeedStaysSmall(t *testing.T) {
	p := &Policy{Profile: DefaultProfile(), lists: map[string]*List{"nets": {Name: "nets", Prefixes: prefixes("203.0.113.0/24", "192.0.2.0/24")}}}
	for i := range 3000 {
		to := netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1}).String()
		p.Rules = append(p.Rules,
			Rule{When: Condition{To: []string{to}, Port: []Range{{i + 1, i + 1}}}, Do: Do{Mechanism: MechanismDrop}},
			Rule{When: Condition{To: []string{"nets"}, Port: []Range{{i + 1, i + 1}}}, Do: Do{Mechanism: MechanismDrop}})
	}
	c, err := p.Compile()
	require.NoError(t, err)
	n := c.Need()
	require.False(t, n.Everything)
	require.NotEmpty(t, n.Interests)
	require.LessOrEqual(t, len(n.Interests), maxInterests)
}
