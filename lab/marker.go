package lab

import (
	"encoding/binary"
	"time"

	"dpilab/dpi"
	"dpilab/dpi/nfq"
	"dpilab/dpi/packet"
	"dpilab/rules"
)

// marker makes and knows the packets that show how far a path has come: IPv4 with protocol 253 (RFC 3692, experiments) between two
// addresses of 192.0.2.0/24, with a number. They wait in the same queues as all others, and no engine sees them: a
// box passes them whatever its policy says. It belongs to one goroutine; boxes only compare with known.
type marker struct {
	known [markerHeader + 8]byte // all but checksum, TTL and number
	count uint64
}

const (
	markerHeader = 20
	markerLength = markerHeader + 16
	markerWord   = "dpilab"
)

func newMarker(path uint32) *marker {
	m := &marker{}
	h := m.known[:]
	h[0], h[3], h[9] = 0x45, markerLength, 253
	copy(h[12:], []byte{192, 0, 2, 253})
	copy(h[16:], []byte{192, 0, 2, 254})
	copy(h[markerHeader:], markerWord)
	binary.BigEndian.PutUint16(h[markerHeader+6:], uint16(path))
	return m
}

func (m *marker) next() uint64 {
	m.count++
	return m.count
}

func (m *marker) packet(number uint64) []byte {
	b := make([]byte, markerLength)
	copy(b, m.known[:])
	b[8] = 255
	packet.SealHeader(b[:markerHeader])
	binary.BigEndian.PutUint64(b[len(m.known):], number)
	return b
}

// read gives the number of a marker of this path. Any goroutine.
func (m *marker) read(b []byte) (number uint64, ok bool) {
	if len(b) != markerLength || string(b[:8]) != string(m.known[:8]) || b[9] != m.known[9] || string(b[12:28]) != string(m.known[12:]) {
		return 0, false
	}
	return binary.BigEndian.Uint64(b[len(m.known):]), true
}

// around gives an engine that passes markers itself.
func (m *marker) around(e nfq.Engine) nfq.Engine { return &unmarked{e, m} }

type unmarked struct {
	nfq.Engine
	marker *marker
}

// Handle implements nfq.Engine. The daemon lets time pass before every batch, so what the engine holds too long comes out before a marker.
func (u *unmarked) Handle(now time.Duration, p dpi.Packet, out []dpi.Verdict) []dpi.Verdict {
	if _, ok := u.marker.read(p.Data); ok {
		return append(out, dpi.Verdict{ID: p.ID})
	}
	return u.Engine.Handle(now, p, out)
}

// SetPolicy implements nfq.Reloader.
func (u *unmarked) SetPolicy(c *rules.Compiled) {
	if r, ok := u.Engine.(nfq.Reloader); ok {
		r.SetPolicy(c)
	}
}

// Settled implements nfq.Reloader.
func (u *unmarked) Settled() bool {
	r, ok := u.Engine.(nfq.Reloader)
	return !ok || r.Settled()
}

// Abandon implements nfq.Abandoner.
func (u *unmarked) Abandon(out []dpi.Verdict) []dpi.Verdict {
	if a, ok := u.Engine.(nfq.Abandoner); ok {
		return a.Abandon(out)
	}
	return out
}
