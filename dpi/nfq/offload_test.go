package nfq

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dpilab/dpi"
	"dpilab/rules"

	"github.com/stretchr/testify/require"
)

// A flow that the engine passes on its third packet is not queued any more, until the sets are emptied.
func TestOffloadPass(t *testing.T) {
	each(t, func(t *testing.T, w *wire, version int) {
		var seen atomic.Int64
		d := w.start(w.config(func(p dpi.Packet) dpi.Verdict {
			if payload(p.Data) == nil {
				return accept(p) // neighbour discovery
			}
			v := accept(p)
			if seen.Add(1) == 3 {
				v.Offload = dpi.OffloadPass
			}
			return v
		}))
		u := w.dialUDP(version)
		for range 10 {
			w.ask(u, "hello", "hello")
		}
		require.Equal(t, int64(3), seen.Load())
		c := w.counters(d)
		require.Equal(t, uint64(17), c.OffloadedPass)
		require.Positive(t, c.OffloadedPassBytes)

		require.NoError(t, d.FlushSets())
		w.ask(u, "hello", "hello")
		require.Equal(t, int64(5), seen.Load())
	})
}

// Offload as a rewrite, which passes this packet and the rest: the way of a flow that is reset once, or redirected.
func TestOffloadWithRewrite(t *testing.T) {
	w := newWire(t, true)
	w.echo(4)
	w.start(w.config(func(p dpi.Packet) dpi.Verdict {
		return dpi.Verdict{ID: p.ID, Action: dpi.Rewrite, Offload: dpi.OffloadPass, Data: withPayload(p.Data, "changed")}
	}))
	u := w.dialUDP(4)
	w.ask(u, "original", "changed")
	w.ask(u, "original", "original")
}

// A passed flow comes back to the engine when it was idle for PassIdle.
func TestOffloadPassEnds(t *testing.T) {
	w := newWire(t, true)
	w.echo(4)
	var seen atomic.Int64
	c := w.config(func(p dpi.Packet) dpi.Verdict {
		if payload(p.Data) != nil {
			seen.Add(1)
		}
		return dpi.Verdict{ID: p.ID, Offload: dpi.OffloadPass}
	})
	c.PassIdle = 200 * time.Millisecond
	w.start(c)
	u := w.dialUDP(4)
	w.ask(u, "hello", "hello")
	require.Equal(t, int64(1), seen.Load())
	time.Sleep(2 * c.PassIdle)
	w.ask(u, "hello", "hello")
	require.Equal(t, int64(2), seen.Load())
}

// A flow that the engine drops is dropped by the kernel, both ways, for DropFor; however busy it is, the engine is
// asked again then.
func TestOffloadDrop(t *testing.T) {
	each(t, func(t *testing.T, w *wire, version int) {
		var asked atomic.Int64
		c := w.config(func(p dpi.Packet) dpi.Verdict {
			if !strings.Contains(string(payload(p.Data)), "blocked") {
				return accept(p)
			}
			if asked.Add(1) > 1 {
				return accept(p)
			}
			return dpi.Verdict{ID: p.ID, Action: dpi.Drop, Offload: dpi.OffloadDrop}
		})
		c.DropFor = 2 * time.Second
		d := w.start(c)
		u := w.dialUDP(version)
		w.ask(u, "hello", "hello")
		w.askInVain(u, "blocked")
		w.askInVain(u, "hello") // the kernel knows the flow, not the text
		require.Equal(t, int64(1), asked.Load())
		require.Equal(t, uint64(1), w.counters(d).OffloadedDrop)
		require.Equal(t, uint64(1), w.counters(d).Dropped)

		other := w.dialUDP(version) // another port, another flow
		w.ask(other, "hello", "hello")

		require.Eventually(t, func() bool { // traffic does not renew the entry
			_, _ = u.Write([]byte("blocked"))
			return asked.Load() > 1
		}, patience, 50*time.Millisecond)
		require.Greater(t, w.counters(d).OffloadedDrop, uint64(1))
		require.NoError(t, u.SetReadDeadline(time.Now().Add(patience)))
		_, err := u.Read(make([]byte, 100))
		require.NoError(t, err)
	})
}

// A verdict may pass its packet and drop the rest of the flow.
func TestOffloadDropAfterThis(t *testing.T) {
	w := newWire(t, true)
	w.echo(4)
	w.start(w.config(func(p dpi.Packet) dpi.Verdict {
		v := accept(p)
		if string(payload(p.Data)) == "last" && p.Dir == rules.Down {
			v.Offload = dpi.OffloadDrop
		}
		return v
	}))
	u := w.dialUDP(4)
	w.ask(u, "last", "last")
	w.askInVain(u, "too late")
}

// With KernelOffload switched off the engine sees everything, whatever its verdicts say.
func TestOffloadOff(t *testing.T) {
	w := newWire(t, true)
	w.echo(4)
	var seen atomic.Int64
	c := w.config(func(p dpi.Packet) dpi.Verdict {
		if payload(p.Data) != nil { // not neighbour discovery
			seen.Add(1)
		}
		if string(payload(p.Data)) == "blocked" {
			return dpi.Verdict{ID: p.ID, Action: dpi.Drop, Offload: dpi.OffloadDrop}
		}
		return dpi.Verdict{ID: p.ID, Offload: dpi.OffloadPass}
	})
	c.Kernel = 0
	d := w.start(c)
	u := w.dialUDP(4)
	w.ask(u, "hello", "hello")
	w.askInVain(u, "blocked")
	w.ask(u, "hello", "hello")
	require.Equal(t, int64(5), seen.Load())
	require.NoError(t, d.FlushSets())
}

// A connection that reuses the 5-tuple of an offloaded one begins at the engine again.
func TestOffloadedTupleIsReused(t *testing.T) {
	each(t, func(t *testing.T, w *wire, version int) {
		var syns atomic.Int64
		w.start(w.config(func(p dpi.Packet) dpi.Verdict {
			if payload(p.Data) != nil && isSYN(p.Data) {
				syns.Add(1)
			}
			return dpi.Verdict{ID: p.ID, Offload: dpi.OffloadPass}
		}))
		for i := range 3 {
			c, err := w.dialTCP(version, 40000)
			require.NoError(t, err)
			w.ask(c, "hello", "hello")
			require.NoError(t, c.SetLinger(0)) // a reset: no TIME_WAIT
			require.NoError(t, c.Close())
			require.Equal(t, int64(i+1), syns.Load())
			time.Sleep(20 * time.Millisecond) // the reset reaches the server
		}
	})
}

// Fragments of an offloaded flow go to the engine: the later ones have no ports, and the first is one of them.
func TestFragmentsAreQueued(t *testing.T) {
	each(t, func(t *testing.T, w *wire, version int) {
		var whole, fragments atomic.Int64
		w.start(w.config(func(p dpi.Packet) dpi.Verdict {
			switch {
			case isFragment(p.Data):
				fragments.Add(1)
			case payload(p.Data) != nil:
				whole.Add(1)
			}
			return dpi.Verdict{ID: p.ID, Offload: dpi.OffloadPass} // of fragments, too: ports must not be made up from them
		}))
		u := w.dialUDP(version)
		w.ask(u, "hello", "hello")
		require.Equal(t, int64(1), whole.Load())
		big := strings.Repeat("0123456789", 400)
		w.askDatagram(u, big)
		require.Equal(t, int64(6), fragments.Load()) // three each way
		w.askDatagram(u, big)
		require.Equal(t, int64(12), fragments.Load())
		w.ask(u, "hello", "hello")
		require.Equal(t, int64(1), whole.Load())
	})
}

func isFragment(b []byte) bool {
	if b[0]>>4 == 4 {
		return b[6]&0x3f != 0 || b[7] != 0
	}
	return b[6] == 44
}

// askDatagram is ask for a datagram that is to come back whole.
func (w *wire) askDatagram(c *net.UDPConn, text string) {
	w.t.Helper()
	_, err := c.Write([]byte(text))
	require.NoError(w.t, err)
	require.NoError(w.t, c.SetReadDeadline(time.Now().Add(patience)))
	b := make([]byte, 64<<10)
	n, err := c.Read(b)
	require.NoError(w.t, err)
	require.Equal(w.t, text, string(b[:n]))
}

// The set of passed flows does not fill up with those that are over, and one that goes on, even one way, stays in it.
func TestFlowsThatAreOverLeave(t *testing.T) {
	each(t, func(t *testing.T, w *wire, version int) {
		var seen atomic.Int64
		c := w.config(func(p dpi.Packet) dpi.Verdict {
			if payload(p.Data) != nil {
				seen.Add(1)
			}
			return dpi.Verdict{ID: p.ID, Offload: dpi.OffloadPass}
		})
		c.PassIdle = 6 * time.Second
		d := w.start(c)
		long, err := w.dialTCP(version, 0)
		require.NoError(t, err)
		for range 30 {
			s, err := w.dialTCP(version, 0)
			require.NoError(t, err)
			w.ask(s, "hello", "hello")
			require.NoError(t, s.CloseWrite())
			_, err = s.Read(make([]byte, 1))
			require.ErrorIs(t, err, io.EOF)
			require.NoError(t, s.Close())
		}
		entries := func() int {
			all, err := d.rules.a.conn.GetSetElements(d.rules.a.pass[fmt.Sprint(version)])
			require.NoError(t, err)
			return len(all)
		}
		require.Greater(t, entries(), 30)
		require.Eventually(t, func() bool { return entries() == 2 }, 4*time.Second, 50*time.Millisecond)
		queued := seen.Load()
		w.ask(long, "hello", "hello")
		require.Equal(t, queued, seen.Load())
	})
}
