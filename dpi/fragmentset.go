package dpi

import (
	"dpilab/dpi/packet"
)

// fragmentSet is what is there of one packet.
type fragmentSet struct {
	key    fragmentKey
	serial uint64
	state  fragmentState
	held   []heldFragment
	bytes  []byte // of all held ones
	total  int    // bytes of the whole above the IP header, 0 while the last fragment is not there
	sum    int    // bytes of those there
	ttl    uint8  // of the fragment at offset 0
	cut    bool   // bytes of some are missing
}

type fragmentState uint8

const (
	fragmentsWait fragmentState = iota
	fragmentsLost               // more of them are lost as well, until its time is over
	fragmentsOver               // released
)

// heldFragment is a fragment that waits: its place in the packet that it is of, and in the set's bytes.
type heldFragment struct {
	id         uint32
	from, to   int
	start, end int
	length     int // of the fragment on the wire
}

// maxFragmented is the most that the fragments of a packet can carry (RFC 791).
const maxFragmented = 65535

// broken tells whether a fragment cannot be part of a packet: its end beyond all packets or beyond the last fragment, or, unless it is the
// last, not at a multiple of eight.
func (s *fragmentSet) broken(h heldFragment, more bool) bool {
	switch {
	case h.to > maxFragmented || h.to <= h.from:
		return true
	case more:
		return h.to%8 != 0 || s.total != 0 && h.to > s.total
	case s.total != 0:
		return h.to != s.total
	}
	for _, other := range s.held {
		if other.to > h.to {
			return true
		}
	}
	return false
}

func (s *fragmentSet) overlaps(h heldFragment) bool {
	for _, other := range s.held {
		if h.from < other.to && other.from < h.to {
			return true
		}
	}
	return false
}

func (s *fragmentSet) hold(h heldFragment, p *packet.Packet) {
	h.start = len(s.bytes)
	s.bytes = append(s.bytes, p.Data...)
	h.end = len(s.bytes)
	s.held = append(s.held, h)
	s.sum += h.to - h.from
	s.cut = s.cut || p.Cut()
	if h.from == 0 {
		s.ttl = p.TTL
	}
	if !p.MoreFragments {
		s.total = h.to
	}
}

// assemble appends the whole packet: the headers of the first fragment and the bytes of all.
func (s *fragmentSet) assemble(b []byte) []byte {
	var p packet.Packet
	for _, h := range s.held {
		if h.from == 0 && p.Decode(s.bytes[h.start:h.end]) != packet.ErrVersion {
			b = append(b, p.Data[:p.Transport]...)
		}
	}
	headers := len(b)
	b = append(b, make([]byte, s.total)...)
	for _, h := range s.held {
		copy(b[headers+h.from:], s.bytes[h.end-(h.to-h.from):h.end])
	}
	return packet.Unfragment(b, headers)
}
