package nfq

import (
	"bytes"
	"testing"
	"time"

	"dpilab/dpi"
	"dpilab/rules"

	"github.com/stretchr/testify/require"
)

// forger answers "who" itself, and tells the far end "bye" as the client.
type forger struct{}

func (forger) Advance(_ time.Duration, out []dpi.Verdict) []dpi.Verdict { return out }

func (forger) Handle(_ time.Duration, p dpi.Packet, out []dpi.Verdict) []dpi.Verdict {
	if string(payload(p.Data)) != "who" {
		return append(out, accept(dpi.Packet{ID: p.ID}))
	}
	return append(out, dpi.Verdict{ID: p.ID, Action: dpi.Drop},
		dpi.Verdict{Action: dpi.Send, Dir: rules.Down, Data: withPayload(turned(p.Data), "me")},
		dpi.Verdict{Action: dpi.Send, Dir: rules.Up, Data: withPayload(p.Data, "bye")})
}

// turned is a copy of a UDP packet with its ends exchanged.
func turned(b []byte) []byte {
	_, at := layout(b)
	size, first := 4, 12
	if b[0]>>4 == 6 {
		size, first = 16, 8
	}
	out := bytes.Clone(b)
	copy(out[first:], b[first+size:first+2*size])
	copy(out[first+size:], b[first:first+size])
	copy(out[at:], b[at+2:at+4])
	copy(out[at+2:], b[at:at+2])
	return out
}

// Packets of the box's own reach both ends, and do not pass the box again.
func TestSend(t *testing.T) {
	each(t, func(t *testing.T, w *wire, version int) {
		c := w.config(nil)
		c.Engines = func(int) Engine { return forger{} }
		d := w.start(c)
		u := w.dialUDP(version)
		w.ask(u, "hello", "hello") // the box learns where the far end is
		w.ask(u, "who", "me")
		w.ask(u, "", "bye") // the far end's echo of what it got from the box
		n := w.counters(d)
		require.Equal(t, uint64(2), n.Sent)
		require.Zero(t, n.SendFailed)
	})
}

// A packet of the box's own comes after the one that brought it: a reset that overtakes it would be out of order.
func TestSendComesAfter(t *testing.T) {
	each(t, func(t *testing.T, w *wire, version int) {
		c := w.config(nil)
		c.Engines = func(int) Engine {
			return engineFunc(func(p dpi.Packet, out []dpi.Verdict) []dpi.Verdict {
				out = append(out, accept(p))
				if string(payload(p.Data)) == "first" && p.Dir == rules.Up {
					out = append(out, dpi.Verdict{Action: dpi.Send, Dir: rules.Up, Data: withPayload(bytes.Clone(p.Data), "second")})
				}
				return out
			})
		}
		d := w.start(c)
		u := w.dialUDP(version)
		w.ask(u, "hello", "hello")
		for range 20 {
			w.ask(u, "first", "first")
			w.ask(u, "", "second")
		}
		require.Equal(t, uint64(20), w.counters(d).Sent)
	})
}

// A packet for a side that nothing came from has no address to go to.
func TestSendToUnknown(t *testing.T) {
	f := &frames{fd: -1}
	require.ErrorIs(t, f.send(rules.Up, []byte("not IP")), errNotIP)
	packet := make([]byte, 20)
	packet[0] = 0x45
	require.ErrorIs(t, f.send(rules.Up, packet), errNoNeighbour)
	require.ErrorIs(t, (&raw{v4: -1, v6: -1}).send(rules.Up, nil), errNotIP)
}

func TestNeighbours(t *testing.T) {
	var n neighbours
	ip := func(b byte) [16]byte { return [16]byte{198, 51, 100, b} }
	mac := func(b byte) [6]byte { return [6]byte{2, 0, 0, 0, 0, b} }
	_, ok := n.find(ip(1), rules.SideInside)
	require.False(t, ok)

	n.learn(ip(1), rules.SideInside, mac(1))
	n.learn(ip(2), rules.SideInside, mac(2))
	n.learn(ip(9), rules.SideOutside, mac(9))
	for _, c := range []struct {
		ip, mac byte
		side    rules.Side
	}{
		{1, 1, rules.SideInside},
		{2, 2, rules.SideInside},
		{7, 2, rules.SideInside}, // not known: as the last packet came
		{7, 9, rules.SideOutside},
		{1, 9, rules.SideOutside}, // known, but on the other side
	} {
		got, ok := n.find(ip(c.ip), c.side)
		require.True(t, ok)
		require.Equal(t, mac(c.mac), got, "%+v", c)
	}
	n.learn(ip(1), rules.SideInside, mac(3)) // it moved
	got, _ := n.find(ip(1), rules.SideInside)
	require.Equal(t, mac(3), got)
}
