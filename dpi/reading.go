package dpi

import (
	"time"

	"dpilab/dpi/inspect"
	"dpilab/rules"
)

// reading is what a flow holds while a hello of it is incomplete: a stream each way for TCP, the Initials for QUIC, the fragments
// for DTLS. It comes from the engine's pool and goes back as soon as the flow is decided.
type reading struct {
	side [2]pieces
	quic inspect.QUIC
	dtls *inspect.DTLS // made when it is first needed

	// Of datagrams.
	protocol  rules.Protocol
	dir       rules.Direction // of the hello
	datagrams int             // read so far

	flow         *flow  // that it belongs to
	older, newer uint32 // its neighbours in the order in which they were taken
}

// maxReadings bounds the hellos that are incomplete at one time (choice). Those of real clients are so for a round trip at most; what
// a flood of others leaves is given up from the oldest on, so that a new one always finds room.
const maxReadings = 4096

// readings are those in use and the idle ones. The zero value is empty.
type readings struct {
	pool[reading]
	oldest, newest uint32
}

// link puts a reading that was taken behind the others.
func (p *readings) link(i uint32) {
	r := p.at(i)
	r.older, r.newer = p.newest, none
	if p.newest != none {
		p.at(p.newest).newer = i
	} else {
		p.oldest = i
	}
	p.newest = i
}

func (p *readings) unlink(i uint32) {
	r := p.at(i)
	if r.older != none {
		p.at(r.older).newer = r.newer
	} else {
		p.oldest = r.newer
	}
	if r.newer != none {
		p.at(r.newer).older = r.older
	} else {
		p.newest = r.older
	}
}

// reading gives what the flow holds; nil: nothing.
func (e *Engine) reading(f *flow) *reading {
	if f.reading == none {
		return nil
	}
	return e.readings.at(f.reading)
}

// takeReading gives what the flow holds, from now on if need be.
func (e *Engine) takeReading(f *flow) *reading {
	if f.reading != none {
		return e.readings.at(f.reading)
	}
	if e.readings.used >= maxReadings {
		e.giveUp(e.readings.at(e.readings.oldest).flow)
	}
	f.reading = e.readings.take()
	e.readings.link(f.reading)
	r := e.readings.at(f.reading)
	r.flow = f
	return r
}

// giveUp ends the reading of a flow that is not at hand: its hello counts as one that never ended. The policy is asked with the flow's next
// packet.
func (e *Engine) giveUp(f *flow) {
	if f.is(flagAgain) {
		e.putReading(f)
		return
	}
	e.end(f)
	f.flags |= flagGivenUp
}

func (e *Engine) putReading(f *flow) {
	if f.reading == none {
		return
	}
	r := e.readings.at(f.reading)
	r.side[0].reset()
	r.side[1].reset()
	r.quic.Reset()
	if r.dtls != nil {
		r.dtls.Reset()
	}
	r.flow = nil
	e.readings.unlink(f.reading)
	e.readings.put(f.reading)
	f.reading = none
}

// tooLate tells whether what is kept of a stream is older than the profile keeps it.
func (s *pieces) tooLate(now time.Duration, limit *rules.Reassembly) bool {
	return limit.Timeout > 0 && !s.empty() && now-s.since >= limit.Timeout
}
