package trace

import (
	"net/netip"
	"time"
)

// flow is one 5-tuple as its two ends remember it.
type flow struct {
	index     int // in the order in which flows were opened
	opened    int // connections on it
	ends      [2]netip.AddrPort
	transport uint8
	side      [2]side
	dns       uint16
}

// side is one end of a flow.
type side struct {
	first uint32 // its initial sequence number
	next  uint32
	ts    uint32        // the last timestamp
	tsAt  time.Duration // when
	hasTS bool
	part  part
	last  []segment // of the last event, for again
}

// part is a payload that is sent in pieces by lines of their own.
type part struct {
	words string
	base  uint32
	len   int
	id    uint16
}

// segment is a packet's place and content, before it becomes bytes.
type segment struct {
	seq     uint32
	payload []byte
	flags   uint8
}

// base says where the payload begins in the stream, and moves what comes next.
func (b *builder) base(d *packets, me *side, c content, flags uint8, parted bool) uint32 {
	length := uint32(len(c.bytes))
	if flags&flagSYN != 0 {
		length++
	}
	if flags&flagFIN != 0 {
		length++
	}
	if parted && d.seq.mode == 0 && !d.fake {
		if me.part.words != d.words || me.part.len != len(c.bytes) {
			me.leavePart()
			me.part = part{words: d.words, base: me.next, len: len(c.bytes)}
		}
		return me.part.base
	}
	if length > 0 {
		me.leavePart()
	}
	base := me.next
	if flags&flagSYN != 0 && d.seq.mode == 0 {
		base = me.first
	}
	switch d.seq.mode {
	case 'r':
		base = me.first + uint32(d.seq.value)
	case '+':
		base = me.next + uint32(d.seq.value)
	case '=':
		base = uint32(d.seq.value)
	}
	end := base + length
	if !d.fake && (d.seq.mode == 0 || int32(end-me.next) > 0) {
		me.next = end
	}
	return base
}

// leavePart goes on behind a payload that was sent in parts.
func (s *side) leavePart() {
	if s.part.len > 0 {
		s.next = s.part.base + uint32(s.part.len)
	}
	s.part = part{}
}
