package nfq

import (
	"fmt"
	"net"
	"testing"
	"time"

	"dpilab/dpi"

	"github.com/stretchr/testify/require"
)

// A queue that is full passes or drops what comes on top, as configured; dropping is counted.
func TestFullQueue(t *testing.T) {
	for _, closed := range []bool{false, true} {
		t.Run(fmt.Sprintf("FailClosed=%v", closed), func(t *testing.T) {
			w := newWire(t, true)
			w.echo(4)
			c := w.config(nil)
			c.Engines = func(int) Engine { // never decides
				return engineFunc(func(p dpi.Packet, out []dpi.Verdict) []dpi.Verdict {
					if payload(p.Data) == nil { // a neighbour's packet, which is not to take a place for good
						return append(out, accept(p))
					}
					return out
				})
			}
			c.QueueLength, c.FailClosed = 8, closed
			d := w.start(c)
			u := w.dialUDP(4)
			require.Eventually(t, func() bool {
				_, err := u.Write([]byte("held")) // one may pass while a neighbour's packet has the last place
				require.NoError(t, err)
				return w.counters(d).Waiting >= uint64(c.QueueLength)
			}, patience, 10*time.Millisecond)
			time.Sleep(50 * time.Millisecond)
			drain(t, u)
			if closed {
				w.askInVain(u, "too many")
				require.Positive(t, w.counters(d).Overflowed)
			} else {
				w.ask(u, "too many", "too many")
			}
		})
	}
}

// drain reads what has come to a socket.
func drain(t *testing.T, c net.Conn) {
	b := make([]byte, 2048)
	for {
		require.NoError(t, c.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
		if _, err := c.Read(b); err != nil {
			return
		}
	}
}

// A verdict that the kernel does not know the packet of is counted, and so is one that does not fit.
func TestRefusedVerdicts(t *testing.T) {
	for _, r := range []Reader{Own, GoNFQueue} {
		t.Run(r.String(), func(t *testing.T) {
			w := newWire(t, true)
			q, err := OpenQueue(r, QueueConfig{NetNS: int(w.box)})
			require.NoError(t, err)
			q.Verdict(12345, true, 0, nil)
			q.Verdict(12346, true, 0, make([]byte, 1<<16))
			require.NoError(t, q.Flush())
			require.Eventually(t, func() bool {
				packets, err := q.Receive()
				require.NoError(t, err)
				require.Empty(t, packets)
				_, refused := q.Overflows()
				return refused == 3 // both are unknown, and one did not fit
			}, patience, time.Millisecond)
			require.NoError(t, q.Close())
		})
	}
}

// Wake ends a Receive that waits.
func TestWake(t *testing.T) {
	for _, r := range []Reader{Own, GoNFQueue} {
		t.Run(r.String(), func(t *testing.T) {
			w := newWire(t, true)
			q, err := OpenQueue(r, QueueConfig{NetNS: int(w.box)})
			require.NoError(t, err)
			woken := 0
			for range 20 { // a loaded machine may be slow, but not twenty times
				start := time.Now()
				go q.Wake()
				_, err := q.Receive()
				require.NoError(t, err)
				if time.Since(start) < tick*time.Millisecond {
					woken++
				}
			}
			require.Positive(t, woken)
			require.NoError(t, q.Close())
		})
	}
}

// A reader whose buffer is too small for what comes counts that it lost packets.
func TestOverflowIsCounted(t *testing.T) {
	w := newWire(t, true)
	w.echo(4)
	c := w.config(accept)
	d, err := Open(c) // and nobody runs it
	require.NoError(t, err)
	u := w.dialUDP(4)
	q := d.workers[0].queue.(*own)
	require.NoError(t, setSmallBuffer(q.fd))
	for range 200 {
		_, err := u.Write(make([]byte, 1200))
		require.NoError(t, err)
	}
	_, err = q.Receive()
	require.NoError(t, err)
	require.Positive(t, w.counters(d).Overflowed)
	require.NoError(t, d.Close())
}

// A copy range cuts what the engine gets, not what passes.
func TestCopyRange(t *testing.T) {
	for _, r := range []Reader{Own, GoNFQueue} {
		t.Run(r.String(), func(t *testing.T) {
			w := newWire(t, true)
			w.echo(4)
			c := w.config(accept)
			c.Reader, c.CopyRange = r, 200
			d, err := Open(c)
			require.NoError(t, err)
			u := w.dialUDP(4)
			_, err = u.Write(make([]byte, 1000))
			require.NoError(t, err)
			require.Eventually(t, func() bool {
				packets, err := d.workers[0].queue.Receive()
				require.NoError(t, err)
				found := false
				for _, p := range packets {
					if p.Length == 1028 {
						found = true
						require.Len(t, p.Data, 200)
					}
				}
				require.NoError(t, d.workers[0].batch(0, packets))
				return found
			}, patience, time.Millisecond)
			require.NoError(t, d.Close())
		})
	}
}
