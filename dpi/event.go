package dpi

import (
	"net/netip"
	"time"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

// EventKind is what an Event reports.
type EventKind uint8

// Hit comes once a flow, with the packet that decided it. Freeze comes when a count is used up; Ban when a frozen flow, or one too many
// of a kind, closes the way to others for a time; Send with each packet of the box's own. The others come once a packet that the box
// touched. Packets that the kernel drops by itself, after an offload, have no event.
const (
	EventHit EventKind = iota
	EventDrop
	EventRewrite
	EventFreeze
	EventBan
	EventSend
)

var eventNames = [...]string{"hit", "drop", "rewrite", "freeze", "ban", "send"}

// String gives the word that event files use.
func (k EventKind) String() string { return eventNames[k] }

// FlowID is a flow as people name it. Ports are 0 where the transport has none, and for IP fragments.
type FlowID struct {
	Transport uint8 // IP protocol number
	Inside    netip.AddrPort
	Outside   netip.AddrPort
}

// String is "tcp 198.51.100.2:40112 → 203.0.113.34:443", the inside first.
func (f FlowID) String() string {
	return f.TransportName() + " " + f.end(f.Inside) + " → " + f.end(f.Outside)
}

// TransportName is tcp, udp, icmp for both versions, or other.
func (f FlowID) TransportName() string {
	switch f.Transport {
	case packet.TCP:
		return "tcp"
	case packet.UDP:
		return "udp"
	case packet.ICMP, packet.ICMPv6:
		return "icmp"
	}
	return "other"
}

// Ends are the two ends in words, with a port where the transport has one.
func (f FlowID) Ends() (inside, outside string) { return f.end(f.Inside), f.end(f.Outside) }

func (f FlowID) end(a netip.AddrPort) string {
	if f.Transport == packet.TCP || f.Transport == packet.UDP {
		return a.String()
	}
	return a.Addr().String()
}

// Event is something that the box did. The receiver may keep the value; Rule belongs to the policy and is not to be changed.
type Event struct {
	Kind   EventKind
	Time   time.Duration // the box's clock
	Flow   FlowID
	Packet uint32          // its number in the flow, from 1, both directions counted together
	Dir    rules.Direction // of the packet that came in; Send: the way its own packet leaves
	Length int             // bytes of the IP packet as it came in; Send: of its own
	Rule   *rules.Rule
	Learnt bool   // the flow was not looked at: its server had been learnt by Rule
	Held   bool   // the flow was not looked at: Rule hit another one between its ends, or to its server, before
	Name   string // hit: the SNI, host or query that this packet showed, if any
}

// emit reports what happened to the flow with the packet at hand.
func (e *Engine) emit(kind EventKind, f *flow) { e.report(kind, f, e.dir, e.pkt.Length) }

func (e *Engine) report(kind EventKind, f *flow, dir rules.Direction, length int) {
	if e.onEvent == nil {
		return
	}
	ev := Event{
		Kind: kind, Time: e.now, Flow: f.key.id(), Packet: max(f.packets, 1), Dir: dir, Length: length,
		Rule: f.ruleIn(e), Learnt: f.is(flagLearnt), Held: f.is(flagHeld),
	}
	if kind == EventHit {
		ev.Name = string(e.name)
	}
	e.onEvent(&ev)
}
