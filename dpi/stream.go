package dpi

import (
	"dpilab/dpi/packet"
	"dpilab/rules"
)

type streamState uint8

const (
	streamReady streamState = iota // data can be read
	streamWaits                    // nothing new, or a gap before it
	streamFull                     // the profile's limit, of bytes, segments or time, is reached
	streamGap                      // the profile joins what comes in order, and this does not
)

// stream gives what can be read at the start of the flow's unread stream now that the packet has come, and the number of
// segments that it came in. Without TCP reassembly that is the packet's payload, whatever its sequence number.
func (e *Engine) stream(f *flow, side int, p *rules.Profile) ([]byte, int, streamState) {
	data, limit := e.pkt.Payload, &p.Reassembly
	if !limit.TCP {
		return data, 1, streamReady
	}
	seq := e.start()
	if !f.hasNext(side) {
		f.setNext(side, seq)
	}
	offset := int(int32(seq - f.next[side]))
	var s *pieces
	if r := e.reading(f); r != nil {
		s = &r.side[side]
	}
	if offset < 0 {
		if p.Fooled.Sequence && !f.is(flagLooked) {
			// Nothing has been read, so this is no copy: its number is from before the connection. A box that does not mind takes it for
			// the beginning, and then the beginning for a copy (O072).
			offset = 0
		} else if limit.Last && -offset <= limit.Bytes {
			// Read before, and this copy is the one that is believed: the stream begins anew with it.
			f.setNext(side, seq)
			offset = 0
			if s != nil {
				s.reset()
			}
		} else if -offset >= len(data) {
			return nil, 0, streamWaits // read before: the first copy was believed
		} else {
			data, offset = data[-offset:], 0
		}
	}
	empty := s == nil || s.empty()
	if empty && offset == 0 {
		return data, 1, streamReady
	}
	if limit.Ordered && (empty || offset > len(s.ready())) {
		return nil, 0, streamGap
	}
	s = &e.takeReading(f).side[side]
	if s.tooLate(e.now, limit) || !s.add(offset, data, limit) {
		return nil, 0, streamFull
	}
	if s.segments == 1 {
		s.since = e.now
	}
	if len(s.ready()) == 0 {
		return nil, 0, streamWaits
	}
	return s.ready(), s.segments, streamReady
}

// start is the sequence number of the first byte of the packet's payload.
func (e *Engine) start() uint32 {
	if e.pkt.Flags&packet.SYN != 0 {
		return e.pkt.Seq + 1
	}
	return e.pkt.Seq
}

// keep stores data, which came in so many segments and is not complete, until more comes; false where the profile has no
// room for it.
func (e *Engine) keep(f *flow, side int, data []byte, segments int, limit *rules.Reassembly) bool {
	if !limit.TCP || segments >= limit.Segments || len(data) >= limit.Bytes {
		return false
	}
	s := &e.takeReading(f).side[side]
	if s.empty() {
		s.since = e.now
		return s.add(0, data, limit)
	}
	return true
}

// consume moves the start of the unread stream behind data.
func (e *Engine) consume(f *flow, side int, data []byte) {
	f.next[side] += uint32(len(data))
	e.dropPieces(f, side)
}

// skip gives up what is kept of a stream and goes on behind the packet at hand.
func (e *Engine) skip(f *flow, side int) {
	f.setNext(side, e.start()+uint32(e.pkt.PayloadLength))
	e.dropPieces(f, side)
}

// dropPieces lets go of what is kept of a stream, and of the flow's reading when it holds nothing else. The bytes stay what they are until
// the next packet.
func (e *Engine) dropPieces(f *flow, side int) {
	r := e.reading(f)
	if r == nil {
		return
	}
	if r.side[side].reset(); r.side[1-side].empty() {
		e.putReading(f)
	}
}

func (f *flow) hasNext(side int) bool { return f.is(flagBaseUp << side) }

func (f *flow) setNext(side int, seq uint32) {
	f.next[side] = seq
	f.flags |= flagBaseUp << side
}
