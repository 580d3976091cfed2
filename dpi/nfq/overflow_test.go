package nfq

import (
	"fmt"
	"net"
	"net/netip"
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

// flood is small datagrams of several flows, to a far end that only counts them.
type flood struct {
	w     *wire
	to    *net.UDPConn
	flows []*net.UDPConn
}

func (w *wire) flood(flows int) *flood {
	f := &flood{w: w}
	w.in(w.end, func() (err error) {
		f.to, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(w.endIP[4], port)))
		return err
	})
	w.t.Cleanup(func() { _ = f.to.Close() })
	require.NoError(w.t, f.to.SetReadBuffer(4<<20))
	for range flows {
		f.flows = append(f.flows, w.dialUDP(4))
	}
	return f
}

// send sends n of each flow, and returns how many arrived.
func (f *flood) send(n int) int {
	for range n {
		for _, u := range f.flows {
			_, err := u.Write([]byte("flood"))
			require.NoError(f.w.t, err)
		}
	}
	b := make([]byte, 64)
	for arrived := 0; ; arrived++ {
		require.NoError(f.w.t, f.to.SetReadDeadline(time.Now().Add(2*silence)))
		if _, err := f.to.Read(b); err != nil || string(b[:5]) != "flood" {
			return arrived
		}
	}
}

// A queue that is too short for a slow engine, or has too small a buffer, misses packets: they all arrive where the box fails open, and
// are lost where it fails closed. The counts add up: by id for a buffer, and for a queue where the kernel counts.
func TestOverflow(t *testing.T) {
	const flows, each = 8, 25
	const sent = flows * each
	for _, closed := range []bool{false, true} {
		for _, tiny := range []string{"queue", "buffer"} {
			t.Run(fmt.Sprintf("FailClosed=%v/%s", closed, tiny), func(t *testing.T) {
				w := newWire(t, true)
				c := w.config(func(p dpi.Packet) dpi.Verdict {
					time.Sleep(time.Millisecond)
					return accept(p)
				})
				c.FailClosed, c.Queues, c.Kernel = closed, 2, 0
				if tiny == "queue" {
					c.QueueLength = 10
				}
				d, err := Open(c)
				require.NoError(t, err)
				defer d.Close()
				if tiny == "buffer" {
					for _, worker := range d.workers {
						require.NoError(t, setSmallBuffer(worker.queue.(*own).fd))
					}
				}
				ended := make(chan error, 1)
				go func() { ended <- d.Run(t.Context()) }()
				f := w.flood(flows)
				arrived := f.send(each)
				n := w.counters(d)
				if tiny == "buffer" && !closed { // what was missed shows by the next packet of the queue
					require.Equal(t, flows, f.send(1))
					n = w.counters(d)
				}
				require.Zero(t, n.Waiting+n.Refused+n.Dropped)
				require.Equal(t, n.QueueFull+n.BufferFull, n.Overflowed)
				missed := n.Queued - n.Received
				require.Greater(t, missed, uint64(sent/10), "%+v", n)
				if closed {
					require.Equal(t, missed, n.Overflowed)
					require.InDelta(t, sent, arrived+int(missed), 10, "but for neighbours' packets")
				} else {
					require.Equal(t, sent, arrived)
				}
				switch {
				case tiny == "buffer":
					require.Equal(t, missed, n.BufferFull)
					require.Positive(t, n.Overflows)
				case closed:
					require.Equal(t, missed, n.QueueFull)
				default:
					require.Zero(t, n.Overflowed)
				}
				require.NoError(t, d.Close())
				require.NoError(t, <-ended)
			})
		}
	}
}

// What a queue got is known, and a daemon that got too little says so.
func TestShortage(t *testing.T) {
	readers(t, func(t *testing.T, r Reader) {
		w := newWire(t, true)
		c := w.config(accept)
		c.Reader, c.Queues, c.FirstQueue, c.QueueLength = r, 2, 5, 20
		d, err := Open(c)
		require.NoError(t, err)
		require.Empty(t, d.Shortage())
		all := d.Queues()
		require.Len(t, all, 2)
		for i, q := range all {
			require.Equal(t, uint16(5+i), q.Number)
			require.Equal(t, 20, q.Length)
			require.GreaterOrEqual(t, q.Buffer, q.Needed)
		}
		require.NoError(t, d.Close())

		c.QueueLength = 1 << 20
		d, err = Open(c)
		require.NoError(t, err)
		q := d.Queues()[0]
		require.Positive(t, q.Buffer)
		if q.Buffer < q.Needed { // unless the first user namespace is ours
			require.Contains(t, d.Shortage(), "net.core.rmem_max=4718592")
		}
		require.NoError(t, d.Close())
	})
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
