package replay

import (
	"net/netip"
	"time"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

// tuple names a flow, whichever way a packet of it goes: a is the lesser end. Ports are 0 as in dpi.FlowID.
type tuple struct {
	a, b      [16]byte
	ap, bp    uint16
	transport uint8
}

// tupleOf gives the name, and whether the first end given is a.
func tupleOf(transport uint8, x, y [16]byte, xp, yp uint16) (tuple, bool) {
	if less(x, y) || x == y && xp <= yp {
		return tuple{x, y, xp, yp, transport}, true
	}
	return tuple{y, x, yp, xp, transport}, false
}

func less(x, y [16]byte) bool {
	for i := range x {
		if x[i] != y[i] {
			return x[i] < y[i]
		}
	}
	return false
}

// flow is what is remembered of a flow for the report.
type flow struct {
	tuple
	Flow
	insideIsA    bool
	fromInside   bool   // its inside end opened it
	witness      bool   // that its inside end is inside is more than a guess
	syn          uint32 // sequence number of the SYN that opened it
	hasSYN       bool
	first        time.Duration // box's clock
	face         int
	link         [2]uint32 // index of the link header, up and down; 0: none seen
	looked       bool      // for its name
	name         *namer    // while it is being looked for
	older, newer *flow     // neighbours by last packet
}

// dir gives the way of a packet from the end src.
func (f *flow) dir(srcIsA bool) rules.Direction {
	if srcIsA == f.insideIsA {
		return rules.Up
	}
	return rules.Down
}

func (f *flow) inside() [16]byte {
	if f.insideIsA {
		return f.a
	}
	return f.b
}

// ends gives the flow's ends, the inside one first.
func (f *flow) ends() (inside, outside netip.AddrPort) {
	a, b := netip.AddrPortFrom(packet.AddrOf(f.a), f.ap), netip.AddrPortFrom(packet.AddrOf(f.b), f.bp)
	if f.insideIsA {
		return a, b
	}
	return b, a
}

// traffic gives the counters of one direction.
func (f *flow) traffic(dir rules.Direction) *Traffic {
	if dir == rules.Up {
		return &f.Up
	}
	return &f.Down
}
