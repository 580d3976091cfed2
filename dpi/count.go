package dpi

import "dpilab/rules"

// tally is what came by in one direction.
type tally struct {
	packets, payload, data uint32
	bytes                  uint64 // of payload
}

// count enters the packet at hand into the flow's tally.
func (e *Engine) count(f *flow) {
	t := &e.takeLedger(f).tally[sideOf(e.dir)]
	t.packets++
	n := e.pkt.PayloadLength
	if n == 0 {
		return
	}
	t.payload++
	t.bytes += uint64(n)
	if e.isData(f) {
		t.data++
	}
}

// cost is what the packet at hand counts for.
func (e *Engine) cost(f *flow, c *rules.Count) int64 {
	if c.Direction != rules.Both && c.Direction != e.dir {
		return 0
	}
	n := e.pkt.PayloadLength
	switch c.Unit {
	case rules.UnitPackets:
		return 1
	case rules.UnitBytes:
		return int64(n)
	case rules.UnitData:
		if e.isData(f) {
			return 1
		}
	case rules.UnitPayload:
		if n > 0 {
			return 1
		}
	}
	return 0
}

// passed is what the tally holds of c.
func (l *ledger) passed(c *rules.Count) (n int64) {
	for side, dir := range [2]rules.Direction{rules.Up, rules.Down} {
		if c.Direction == rules.Both || c.Direction == dir {
			n += l.tally[side].of(c.Unit)
		}
	}
	return n
}

func (t *tally) of(u rules.Unit) int64 {
	switch u {
	case rules.UnitPackets:
		return int64(t.packets)
	case rules.UnitPayload:
		return int64(t.payload)
	case rules.UnitData:
		return int64(t.data)
	}
	return int64(t.bytes)
}

// spend takes a packet's cost out of what may pass and tells whether it was enough. Once nothing is left nothing passes, not even a
// packet that costs nothing; a packet that is too large for the rest uses it up.
func (l *ledger) spend(cost int64) bool {
	if l.left <= 0 || cost > l.left {
		l.left = 0
		return false
	}
	l.left -= cost
	return true
}
