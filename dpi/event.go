package dpi

import (
	"net/netip"
	"time"

	"dpilab/rules"
)

// EventKind is what an Event reports.
type EventKind uint8

// Hit comes once a flow, with the packet that decided it; the others once a packet that the box touched. Packets that the
// kernel drops by itself, after an offload, have no event.
const (
	EventHit EventKind = iota
	EventDrop
	EventRewrite
)

var eventNames = [...]string{"hit", "drop", "rewrite"}

// String gives the word that event files use.
func (k EventKind) String() string { return eventNames[k] }

// FlowID is a flow as people name it. Ports are 0 where the transport has none, and for IP fragments.
type FlowID struct {
	Transport uint8 // IP protocol number
	Inside    netip.AddrPort
	Outside   netip.AddrPort
}

// Event is something that the box did. The receiver may keep the value; Rule belongs to the policy and is not to be changed.
type Event struct {
	Kind   EventKind
	Time   time.Duration // the box's clock
	Flow   FlowID
	Packet uint32 // its number in the flow, from 1, both directions counted together
	Dir    rules.Direction
	Length int // bytes of the IP packet as it came in
	Rule   *rules.Rule
	Learnt bool   // the flow was not looked at: its server had been learnt by Rule
	Name   string // hit: the SNI, host or query that this packet showed, if any
}

func (e *Engine) emit(kind EventKind, f *flow) {
	if e.onEvent == nil {
		return
	}
	ev := Event{
		Kind: kind, Time: e.now, Flow: f.key.id(), Packet: max(f.packets, 1), Dir: e.dir, Length: len(e.pkt.Data),
		Rule: f.ruleIn(e), Learnt: f.is(flagLearnt),
	}
	if kind == EventHit {
		ev.Name = string(e.name)
	}
	e.onEvent(&ev)
}
