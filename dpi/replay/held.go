package replay

import "time"

const (
	// heldStep is how exactly the time is known at which the box lets go of a packet while none comes.
	heldStep = 50 * time.Millisecond
	// heldLong is how long the box is asked for held packets while none comes: longer than any fragment queue waits.
	heldLong = 2 * time.Minute
)

// pass lets time pass until a packet.
func (x *run) pass(now time.Duration) {
	x.wait(now)
	if now > x.passed {
		x.advance(now)
	}
}

// wait asks for held packets step by step.
func (x *run) wait(until time.Duration) {
	if len(x.held) == 0 {
		return
	}
	from := x.passed
	for at := from + heldStep; at < until && at < from+heldLong && len(x.held) > 0; at += heldStep {
		x.advance(at)
	}
	if until > x.passed && len(x.held) > 0 {
		x.advance(until)
	}
}

// advance tells the box the time and takes what it lets go.
func (x *run) advance(now time.Duration) {
	x.verdicts = x.engine.Advance(now, x.verdicts[:0])
	x.passed = now
	if len(x.verdicts) > 0 || len(x.events) > 0 {
		x.settle(nil, 0)
	}
}

// drain waits, after the last packet, for what is held.
func (x *run) drain() {
	x.wait(x.clock + heldLong)
	x.report.Totals.Held += uint64(len(x.held))
}

// keep copies a packet that the box holds.
func (x *run) keep(now *heldPacket, id uint32) {
	p := *now
	r := &p.record
	r.raw = append([]byte(nil), r.raw...)
	r.frame = append([]byte(nil), r.frame...)
	r.extra = append([]byte(nil), r.extra...)
	x.held[id] = &p
}
