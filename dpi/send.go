package dpi

import (
	"net/netip"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

// defaultTTL is that of a packet of the box's own for an end that nothing was heard of yet (choice).
const defaultTTL = 64

// ends are the addresses between which a packet in this direction goes.
func (k *key) ends(dir rules.Direction) (src, dst netip.AddrPort) {
	id := k.id()
	if dir == rules.Up {
		return id.Inside, id.Outside
	}
	return id.Outside, id.Inside
}

// ttlOf is the TTL that a packet in this direction has that is to look like the flow's others; a rule's own goes before.
func (f *flow) ttlOf(dir rules.Direction, own uint8) uint8 {
	switch {
	case own != 0:
		return own
	case f.ttl[sideOf(dir)] != 0:
		return f.ttl[sideOf(dir)]
	}
	return defaultTTL
}

// sendTCP sends a segment of the box's own with the verdicts of this call.
func (e *Engine) sendTCP(f *flow, dir rules.Direction, seq, ack uint32, flags, ttl uint8, payload []byte) {
	src, dst := f.key.ends(dir)
	start := len(e.built)
	e.built = packet.AppendTCP(e.built, src, dst, seq, ack, flags, f.ttlOf(dir, ttl), payload)
	e.sent(f, dir, e.built[start:])
}

// sendUDP sends a datagram, all else as sendTCP.
func (e *Engine) sendUDP(f *flow, dir rules.Direction, payload []byte) {
	src, dst := f.key.ends(dir)
	start := len(e.built)
	e.built = packet.AppendUDP(e.built, src, dst, f.ttlOf(dir, 0), payload)
	e.sent(f, dir, e.built[start:])
}

// sent adds a packet that was built to the verdicts of this call. Its bytes stay where they are when more are built: growing leaves
// the former memory alone.
func (e *Engine) sent(f *flow, dir rules.Direction, data []byte) {
	if len(data) == 0 {
		return // more than a packet holds
	}
	e.sends = append(e.sends, Verdict{Action: Send, Dir: dir, Data: data})
	e.stats.Sent++
	e.report(EventSend, f, dir, len(data))
}

// takeSends moves the packets of the box's own behind the verdict of the packet that brought them.
func (e *Engine) takeSends(out []Verdict) []Verdict {
	out = append(out, e.sends...)
	e.sends = e.sends[:0]
	return out
}
