package nfq

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"dpilab/dpi"
	"dpilab/rules"

	"github.com/google/nftables"
	"github.com/stretchr/testify/require"
)

// each runs a test on a bridge and on a router, with IPv4 and with IPv6.
func each(t *testing.T, f func(t *testing.T, w *wire, version int)) {
	for _, bridged := range []bool{true, false} {
		for _, version := range []int{4, 6} {
			t.Run(fmt.Sprintf("bridged=%v/IPv%d", bridged, version), func(t *testing.T) {
				w := newWire(t, bridged)
				w.echo(version)
				f(t, w, version)
			})
		}
	}
}

// Packets of both directions pass through the engine unharmed, and every counter has them.
func TestAccept(t *testing.T) {
	each(t, func(t *testing.T, w *wire, version int) {
		var up, down atomic.Uint64
		d := w.start(w.config(func(p dpi.Packet) dpi.Verdict {
			switch p.Dir {
			case rules.Up:
				up.Add(1)
			case rules.Down:
				down.Add(1)
			}
			return accept(p)
		}))
		w.ask(w.dialUDP(version), "over UDP", "over UDP")
		tcp, err := w.dialTCP(version, 0)
		require.NoError(t, err)
		w.ask(tcp, "over TCP", "over TCP")

		require.GreaterOrEqual(t, up.Load(), uint64(4))
		require.GreaterOrEqual(t, down.Load(), uint64(3))
		require.Eventually(t, func() bool { // the last acknowledgement may be on its way
			c := w.counters(d)
			return c.Received == up.Load()+down.Load() && c.Waiting == 0 && c.Accepted == c.Received && c.Queued == c.Received
		}, patience, 10*time.Millisecond)
		c := w.counters(d)
		require.Positive(t, c.QueuedBytes)
		require.Zero(t, c.Dropped+c.Rewritten+c.Ignored+c.OffloadedPass+c.OffloadedDrop+c.Overflowed+c.Refused)
	})
}

func TestDrop(t *testing.T) {
	each(t, func(t *testing.T, w *wire, version int) {
		d := w.start(w.config(func(p dpi.Packet) dpi.Verdict {
			if bytes.Contains(payload(p.Data), []byte("blocked")) {
				return dpi.Verdict{ID: p.ID, Action: dpi.Drop}
			}
			return accept(p)
		}))
		c := w.dialUDP(version)
		w.ask(c, "allowed", "allowed")
		w.askInVain(c, "blocked")
		w.ask(c, "allowed", "allowed")
		require.Equal(t, uint64(1), w.counters(d).Dropped)
	})
}

// A packet that the engine rewrites, and shortens, arrives as rewritten.
func TestRewrite(t *testing.T) {
	each(t, func(t *testing.T, w *wire, version int) {
		d := w.start(w.config(func(p dpi.Packet) dpi.Verdict {
			if p.Dir != rules.Down || len(payload(p.Data)) == 0 {
				return accept(p)
			}
			return dpi.Verdict{ID: p.ID, Action: dpi.Rewrite, Data: withPayload(p.Data, "rewritten")}
		}))
		w.ask(w.dialUDP(version), "a question that is longer", "rewritten")
		require.Equal(t, uint64(1), w.counters(d).Rewritten)
	})
}

// withPayload is a copy of a UDP packet that carries something else.
func withPayload(b []byte, text string) []byte {
	_, at := layout(b)
	b = append(bytes.Clone(b[:at+8]), text...)
	length := len(b)
	if b[0]>>4 == 4 {
		b[2], b[3] = byte(length>>8), byte(length)
	} else {
		b[4], b[5] = byte((length-40)>>8), byte(length-40)
	}
	b[at+4], b[at+5] = byte((length-at)>>8), byte(length-at)
	return checksum(b)
}

// holding keeps packets until they are 100 ms old.
type holding struct {
	ids   []uint32
	since []time.Duration
}

func (h *holding) Handle(now time.Duration, p dpi.Packet, out []dpi.Verdict) []dpi.Verdict {
	h.ids, h.since = append(h.ids, p.ID), append(h.since, now)
	return out
}

func (h *holding) Advance(now time.Duration, out []dpi.Verdict) []dpi.Verdict {
	for len(h.ids) > 0 && now-h.since[0] >= 100*time.Millisecond {
		out = append(out, dpi.Verdict{ID: h.ids[0]})
		h.ids, h.since = h.ids[1:], h.since[1:]
	}
	return out
}

// The engine may hold packets, and give their verdicts when time has passed and no other packet came.
func TestHold(t *testing.T) {
	w := newWire(t, true)
	w.echo(4)
	c := w.config(nil)
	c.Engines = func(int) Engine { return &holding{} }
	d := w.start(c)
	start := time.Now()
	w.ask(w.dialUDP(4), "held twice", "held twice")
	require.GreaterOrEqual(t, time.Since(start), 200*time.Millisecond)
	require.Eventually(t, func() bool { return w.counters(d).Waiting == 0 }, patience, 10*time.Millisecond)
}

// keeper is an engine that holds every packet to the inside that says so.
type keeper struct {
	fake
	held []uint32
}

func (h *keeper) Handle(now time.Duration, p dpi.Packet, out []dpi.Verdict) []dpi.Verdict {
	if p.Dir == rules.Down && string(payload(p.Data)) == "hold" {
		h.held = append(h.held, p.ID)
		return out
	}
	return append(out, accept(p))
}

func (h *keeper) Abandon(out []dpi.Verdict) []dpi.Verdict {
	for _, id := range h.held {
		out = append(out, dpi.Verdict{ID: id, Action: dpi.Drop})
	}
	h.held = nil
	return out
}

// What the engine holds when the daemon ends passes, or does not where the box fails closed.
func TestHeldAtTheEnd(t *testing.T) {
	for _, closed := range []bool{false, true} {
		t.Run(fmt.Sprintf("closed=%v", closed), func(t *testing.T) {
			w := newWire(t, true)
			w.echo(4)
			c := w.config(nil)
			c.FailClosed = closed
			h := &keeper{}
			c.Engines = func(int) Engine { return h }
			d := w.start(c)
			u := w.dialUDP(4)
			w.ask(u, "hello", "hello")
			for range 3 {
				_, err := u.Write([]byte("hold"))
				require.NoError(t, err)
			}
			require.Eventually(t, func() bool { return w.counters(d).Waiting == 3 }, patience, 10*time.Millisecond)
			require.NoError(t, d.Close())
			require.Empty(t, h.held)
			if !closed {
				for range 3 {
					w.ask(u, "", "hold")
				}
			}
			w.ask(u, "hello", "hello") // where they are dropped, none comes late
		})
	}
}

// Each runs on the workers' goroutines, so that an engine's state can be read without a lock.
func TestEach(t *testing.T) {
	w := newWire(t, true)
	c := w.config(accept)
	c.Queues = 2
	d := w.start(c)
	var workers []int
	require.NoError(t, d.Each(func(i int, e Engine) { workers = append(workers, i); require.NotNil(t, e) }))
	require.Equal(t, []int{0, 1}, workers)
}

// Close removes what Open made, so that packets pass and another daemon can start; also when nobody has run it.
func TestClose(t *testing.T) {
	w := newWire(t, true)
	w.echo(4)
	w.in(w.box, func() error { return os.WriteFile(bridgeSysctls+"bridge-nf-call-iptables", []byte("0"), 0) })
	for range 2 {
		d, err := Open(w.config(accept))
		require.NoError(t, err)
		require.Equal(t, 1, w.tables())
		require.NoError(t, d.Close())
		require.NoError(t, d.Close())
		require.Zero(t, w.tables())
		_, err = d.Counters()
		require.ErrorIs(t, err, ErrClosed)
		require.ErrorIs(t, d.FlushSets(), ErrClosed)
		require.ErrorIs(t, d.Each(func(int, Engine) {}), ErrClosed)
		require.NoError(t, d.Run(context.Background()))
	}
	w.in(w.box, func() error {
		b, err := os.ReadFile(bridgeSysctls + "bridge-nf-call-iptables")
		require.Equal(t, "0\n", string(b))
		return err
	})
	w.ask(w.dialUDP(4), "as before", "as before")
}

// tables counts the box's nftables tables.
func (w *wire) tables() int {
	c, err := nftables.New(nftables.WithNetNSFd(int(w.box)))
	require.NoError(w.t, err)
	tables, err := c.ListTables()
	require.NoError(w.t, err)
	return len(tables)
}

// What Open refuses, with an error that says what to do, leaves nothing behind.
func TestOpenFails(t *testing.T) {
	w := newWire(t, true)
	first := w.config(accept)
	first.FirstQueue = 2
	d, err := Open(first)
	require.NoError(t, err)
	_, err = Open(first)
	require.ErrorIs(t, err, ErrInUse)
	require.EqualError(t, err, fmt.Sprintf("nfq: queue 2 is taken by pid %d: stop it, or choose another queue", os.Getpid()))

	reference := first
	reference.Reader = GoNFQueue
	_, err = Open(reference)
	require.ErrorIs(t, err, ErrInUse)

	overlapping := w.config(accept)
	overlapping.Queues = 3 // the last of which is taken
	_, err = Open(overlapping)
	require.ErrorIs(t, err, ErrInUse)

	other := w.config(accept)
	other.FirstQueue, other.Queues = 7, 2
	_, err = Open(other)
	require.ErrorIs(t, err, ErrInUse)
	require.ErrorContains(t, err, "table inet dpilab already")
	w.in(w.box, func() error {
		all, err := kernelQueues()
		require.Len(t, all, 1) // queues 7 and 8 were given back
		return err
	})
	require.NoError(t, d.Close())

	for want, change := range map[string]func(*Config){
		"no engines":                  func(c *Config) { c.Engines = nil },
		"the same interface":          func(c *Config) { c.Outside = c.Inside },
		`interface "nowhere"`:         func(c *Config) { c.Outside = "nowhere" },
		"are not ports of one bridge": func(c *Config) { c.Outside = "lo" },
		"at most 64 share":            func(c *Config) { c.Queues = 65 },
		"numbers go from 0 to 65535":  func(c *Config) { c.FirstQueue, c.Queues = 65535, 2 },
		"less than a millisecond":     func(c *Config) { c.DropFor = time.Microsecond },
		"no such reader: reader(9)":   func(c *Config) { c.Reader = 9 },
	} {
		c := w.config(accept)
		change(&c)
		_, err := Open(c)
		require.ErrorIs(t, err, ErrConfig)
		require.ErrorContains(t, err, want)
		require.Zero(t, w.tables())
	}
}

// An engine that panics ends Run with an error, and the wire then fails as configured for all flows, those of other queues too, until
// Close.
func TestEngineFails(t *testing.T) {
	for _, closed := range []bool{false, true} {
		t.Run(fmt.Sprintf("FailClosed=%v", closed), func(t *testing.T) {
			const flows = 12
			w := newWire(t, true)
			w.echo(4)
			c := w.config(func(p dpi.Packet) dpi.Verdict {
				if bytes.Contains(payload(p.Data), []byte("poison")) {
					panic(errors.New("unforeseen"))
				}
				return accept(p)
			})
			c.FailClosed, c.Queues = closed, 3
			d, err := Open(c)
			require.NoError(t, err)
			ended := make(chan error, 1)
			go func() { ended <- d.Run(context.Background()) }()
			u := w.dialUDP(4)
			w.ask(u, "hello", "hello")
			w.askInVain(u, "poison")
			err = <-ended
			require.ErrorIs(t, err, ErrEngine)
			require.ErrorContains(t, err, "unforeseen")
			var all []net.Conn
			for range flows {
				u := w.dialUDP(4)
				all = append(all, u)
				_, err := u.Write([]byte("nobody decides"))
				require.NoError(t, err)
			}
			if closed {
				time.Sleep(silence)
			}
			for _, u := range all {
				if !closed {
					w.ask(u, "", "nobody decides")
					continue
				}
				require.NoError(t, u.SetReadDeadline(time.Now().Add(time.Millisecond)))
				_, err := u.Read(make([]byte, 64))
				require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			}
			require.NoError(t, d.Close())
			w.ask(u, "no box", "no box")
		})
	}
}
