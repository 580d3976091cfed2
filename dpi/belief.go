package dpi

import (
	"dpilab/dpi/packet"
	"dpilab/rules"
)

// belief is what the box knows of the two ends of a flow, to tell the packets that the other one would not accept. It is a model of its
// own (choice): no text says how the real boxes do it.
type belief struct {
	side [2]sideBelief // up and down: what this side sent, and may send
	ttl  uint8         // of the first packet from inside; 0: none yet
	ids  [16]uint16    // IP-IDs of the last packets with payload from inside; 0: none
	next uint8         // index into ids
}

type sideBelief struct {
	heard    bool   // a packet of this side was seen
	syn      bool   // and its SYN
	md5      bool   // which had a signature
	scaled   bool   // and a scale
	scale    uint8  // of the windows that it offers
	known    bool   // acked and end are valid
	windowed bool   // edge is
	stamped  bool   // stamp is
	acked    uint32 // what this side sent has arrived up to here
	end      uint32 // and it has sent as far as this
	edge     uint32 // and may send as far as this
	stamp    uint32 // its latest timestamp
}

const (
	// lateBy is how far before what has arrived a segment may begin that only repeats it: a few segments, whose acknowledgement crosses
	// it on the way (choice). Fakes keep more of a distance: 10,000 bytes (ZAP-doc, C).
	lateBy = 4096
	// unheard is how far one side may be ahead of what is known where the other one's window is not (the most without a scale).
	unheard = 65535
	// widest is the scale of a window whose SYN was not seen (RFC 7323, section 2.3).
	widest = 14
)

// judge tells what is odd about a segment of this side.
func (b *belief) judge(side int, p *packet.Packet, o *packet.Options) (is oddities) {
	s, other := &b.side[side], &b.side[1-side]
	opens := p.Flags&packet.SYN != 0
	if !opens && s.outside(p) {
		is |= odd(rules.TrickWindow)
	}
	// One whose SYN was not seen is taken at its first word.
	if o.MD5 && !opens && s.heard && !s.md5 {
		is |= odd(rules.TrickMD5)
	}
	// An end that has no timestamps of its own does not look at the other's; a RST needs none (RFC 7323, sections 3.2 and 5.2).
	if o.HasTimestamp && s.stamped && (other.stamped || !other.heard) && p.Flags&(packet.SYN|packet.RST) == 0 && int32(o.Timestamp-s.stamp) < 0 {
		is |= odd(rules.TrickTimestamp)
	}
	return is
}

// outside tells whether a segment is out of the window (RFC 9293, section 3.10.7.4): all of it far before what has arrived, or all of
// it beyond what the other side lets this one send. A byte at the very edge is a probe (RFC 9293, section 3.8.6.1).
func (s *sideBelief) outside(p *packet.Packet) bool {
	if !s.known {
		return false
	}
	n := uint32(p.PayloadLength)
	if int32(s.acked-p.Seq) > lateBy && int32(p.Seq+n-s.acked) <= 0 {
		return true
	}
	if !s.windowed {
		return int32(p.Seq-s.end) > unheard
	}
	beyond := int32(p.Seq - s.edge)
	return beyond > 1 || beyond >= 0 && n > 1
}

// note takes a packet that nothing is odd about into the model.
func (b *belief) note(side int, p *packet.Packet, o *packet.Options, tcp bool) {
	if side == 0 && b.ttl == 0 {
		b.ttl = p.TTL
	}
	if !tcp {
		return
	}
	s, other := &b.side[side], &b.side[1-side]
	if p.Flags&packet.SYN != 0 {
		*s = sideBelief{syn: true, scaled: o.HasScale, scale: o.Scale, md5: o.MD5}
	} else if !s.heard {
		s.md5 = o.MD5
	}
	s.heard = true
	start, stop := p.Seq, segmentEnd(p)
	if !s.known {
		s.known, s.acked, s.end = true, start, start
		if s.syn {
			s.acked, s.end = start+1, start+1
		}
	}
	if int32(stop-s.end) > 0 {
		s.end = stop
	}
	if !other.heard && int32(s.end-s.acked) > 2*unheard {
		s.acked = s.end - unheard
	}
	// Segments that overtake others do not make those old (RFC 7323, section 4.3).
	if o.HasTimestamp && (!s.stamped || int32(start-s.acked) <= 0 && int32(o.Timestamp-s.stamp) > 0) {
		s.stamped, s.stamp = true, o.Timestamp
	}
	if p.Flags&packet.ACK != 0 {
		other.acknowledged(p, s)
	}
}

// acknowledged takes what the other side, by, says of this one: what has arrived, and what may follow. An acknowledgement of what could
// not have been sent says nothing.
func (s *sideBelief) acknowledged(p *packet.Packet, by *sideBelief) {
	if !s.known {
		s.known, s.acked, s.end = true, p.Ack, p.Ack
	}
	if s.windowed && int32(p.Ack-s.edge) > 1 || !s.windowed && int32(p.Ack-s.end) > unheard {
		return
	}
	if int32(p.Ack-s.acked) > 0 {
		s.acked = p.Ack
	}
	if int32(p.Ack-s.end) > 0 {
		s.end = p.Ack
	}
	scale := uint8(widest)
	switch {
	case p.Flags&packet.SYN != 0, by.syn && s.syn && !(by.scaled && s.scaled):
		scale = 0
	case by.syn && s.syn:
		scale = by.scale
	}
	if edge := p.Ack + uint32(p.Window)<<scale; !s.windowed || int32(edge-s.edge) > 0 {
		s.windowed, s.edge = true, edge
	}
}

// short tells whether a packet from inside with this TTL may not be meant to arrive.
func (b *belief) short(ttl uint8) bool { return ttl < shortTTL && int(ttl)+shorterBy < int(b.ttl) }

// repeats tells whether an earlier packet had the same IP-ID, which is not 0, and remembers it.
func (b *belief) repeats(id uint16) bool {
	if id == 0 {
		return false
	}
	for _, x := range b.ids {
		if x == id {
			return true
		}
	}
	b.ids[b.next] = id
	b.next = (b.next + 1) % uint8(len(b.ids))
	return false
}
