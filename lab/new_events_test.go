package lab

import (
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi"
	"dpilab/rules"
)

func TestStory(t *testing.T) {
	n := &Net{}
	n.seen = sync.NewCond(&n.mu)
	require.Equal(t, "nothing: no rule hit any flow\n", n.Story())

	rule := &rules.Rule{Name: "sni-4", Policy: "2022-paper", Do: rules.Do{Mechanism: rules.MechanismDrop}, Source: rules.Source{Ref: "IMC22*", Confidence: "P2"}}
	flow := dpi.FlowID{Transport: 6, Inside: netip.MustParseAddrPort("198.51.100.2:40112"), Outside: netip.MustParseAddrPort("203.0.113.34:443")}
	ping := dpi.FlowID{Transport: 1, Inside: netip.MustParseAddrPort("198.51.100.2:0"), Outside: netip.MustParseAddrPort("203.0.113.34:0")}
	at := func(ms int, kind dpi.EventKind, f dpi.FlowID, dir rules.Direction, name string) *dpi.Event {
		return &dpi.Event{Kind: kind, Time: time.Duration(ms) * time.Millisecond, Flow: f, Packet: uint32(ms), Dir: dir, Rule: rule, Name: name}
	}
	for _, e := range []*dpi.Event{
		at(4, dpi.EventHit, flow, rules.Up, "meduza.io"), at(4, dpi.EventDrop, flow, rules.Up, ""), at(5, dpi.EventDrop, flow, rules.Up, ""),
		at(6, dpi.EventDrop, flow, rules.Down, ""), at(7, dpi.EventDrop, ping, rules.Down, ""),
	} {
		n.see("box", e)
	}
	require.Equal(t, `     4ms  box: hit by sni-4 (2022-paper), meduza.io, drop. tcp 198.51.100.2:40112 → 203.0.113.34:443, packet 4 up. Source: IMC22* (P2)
     4ms  box: drop by sni-4 (2022-paper). tcp 198.51.100.2:40112 → 203.0.113.34:443, packet 4 up (2 packets)
     6ms  box: drop by sni-4 (2022-paper). tcp 198.51.100.2:40112 → 203.0.113.34:443, packet 6 down
     7ms  box: drop by sni-4 (2022-paper). icmp 198.51.100.2 → 203.0.113.34, packet 7 down
`, n.Story())

	for range keptEvents {
		n.see("box", at(8, dpi.EventDrop, flow, rules.Up, ""))
	}
	require.Len(t, n.Events(), keptEvents)
	require.Contains(t, n.Story(), "(19995 packets)\nand 5 things more\n")
}
