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
		if r.dtls != nil {
			r.dtls.Reset()
		}
		e.readings = append(e.readings, r)
	}
}

// tooLate tells whether what is kept of a stream is older than the profile keeps it.
func (s *pieces) tooLate(now time.Duration, limit *rules.Reassembly) bool {
	return limit.Timeout > 0 && !s.empty() && now-s.since >= limit.Timeout
}
