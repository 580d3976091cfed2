package dpi

import (
	"dpilab/dpi/inspect"
	"dpilab/dpi/packet"
	"dpilab/rules"
)

// reading is what a flow holds while a hello of it is incomplete: a stream each way for TCP, the Initials for QUIC. It comes
// from the engine's pool and goes back as soon as the flow is decided.
type reading struct {
	side [2]pieces
	quic inspect.QUIC
}

// maxIdleReadings bounds the pool; more are left to the garbage collector.
const maxIdleReadings = 256

func (e *Engine) reading(f *flow) *reading {
	if f.reading != nil {
		return f.reading
	}
	if n := len(e.readings); n > 0 {
		f.reading = e.readings[n-1]
		e.readings = e.readings[:n-1]
	} else {
		f.reading = new(reading)
	}
	return f.reading
}

func (e *Engine) putReading(f *flow) {
	r := f.reading
	if r == nil {
		return
	}
	f.reading = nil
	if len(e.readings) < maxIdleReadings {
		r.side[0].reset()
		r.side[1].reset()
		r.quic.Reset()
		e.readings = append(e.readings, r)
	}
}

type streamState uint8

const (
	streamReady streamState = iota // data can be read
	streamWaits                    // nothing new, or a gap before it
	streamFull                     // the profile's limit is reached
)

// stream gives what can be read at the start of the flow's unread stream now that the packet has come, and the number of
// segments that it came in. Without TCP reassembly that is the packet's payload, whatever its sequence number.
func (e *Engine) stream(f *flow, side int, limit *rules.Reassembly) ([]byte, int, streamState) {
	p := &e.pkt
	if !limit.TCP {
		return p.Payload, 1, streamReady
	}
	seq := p.Seq
	if p.Flags&packet.SYN != 0 {
		seq++
	}
	if !f.hasNext(side) {
		f.setNext(side, seq)
	}
	offset := int(int32(seq - f.next[side]))
	data := p.Payload
	if offset < 0 {
		// Seen before: the first copy was believed.
		if -offset >= len(data) {
			return nil, 0, streamWaits
		}
		data, offset = data[-offset:], 0
	}
	if offset == 0 && (f.reading == nil || f.reading.side[side].empty()) {
		return data, 1, streamReady
	}
	s := &e.reading(f).side[side]
	if !s.add(offset, data, limit) {
		e.consume(f, side, s.ready())
		return nil, 0, streamFull
	}
	if len(s.ready()) == 0 {
		return nil, 0, streamWaits
	}
	return s.ready(), s.segments, streamReady
}

// keep stores data, which came in so many segments and is not complete, until more comes; false where the profile has no
// room for it.
func (e *Engine) keep(f *flow, side int, data []byte, segments int, limit *rules.Reassembly) bool {
	if !limit.TCP || segments >= limit.Segments || len(data) >= limit.Bytes {
		return false
	}
	s := &e.reading(f).side[side]
	if s.empty() {
		return s.add(0, data, limit)
	}
	return true
}

// consume moves the start of the unread stream behind data.
func (e *Engine) consume(f *flow, side int, data []byte) {
	f.next[side] += uint32(len(data))
	if f.reading != nil {
		f.reading.side[side].reset()
	}
}

func (f *flow) hasNext(side int) bool { return f.is(flagBaseUp << side) }

func (f *flow) setNext(side int, seq uint32) {
	f.next[side] = seq
	f.flags |= flagBaseUp << side
}
