package nfq

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"

	"dpilab/dpi"
	"dpilab/rules"

	"github.com/stretchr/testify/require"
)

// On the way of a packet nothing is allocated: not by the reader, the worker, the learning of addresses, the verdict,
// and not when a packet of the box's own is sent.
func TestNothingIsAllocated(t *testing.T) {
	for _, bridged := range []bool{true, false} {
		w := newWire(t, bridged)
		reply := []byte(nil)
		c := w.config(nil)
		c.Engines = func(int) Engine {
			return engineFunc(func(p dpi.Packet, out []dpi.Verdict) []dpi.Verdict {
				if payload(p.Data) == nil {
					return append(out, accept(p))
				}
				if reply == nil {
					reply = withPayload(turned(p.Data), "reply")
				}
				return append(out, dpi.Verdict{ID: p.ID, Action: dpi.Rewrite, Offload: dpi.OffloadNone, Data: p.Data},
					dpi.Verdict{Action: dpi.Send, Dir: rules.Down, Data: reply})
			})
		}
		d, err := Open(c)
		require.NoError(t, err)
		w.in(w.end, func() error { // a socket that nobody reads, rather than answers by ICMP
			l, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(w.endIP[4], port)))
			if err == nil {
				t.Cleanup(func() { _ = l.Close() })
			}
			return err
		})
		u := w.dialUDP(4)
		text := make([]byte, 1000)
		allocated := testing.AllocsPerRun(500, func() {
			if _, err := u.Write(text); err != nil {
				panic(err)
			}
			packets, err := d.workers[0].queue.Receive()
			if err == nil {
				err = d.workers[0].batch(d.config.Now(), packets)
			}
			if err != nil {
				panic(err)
			}
		})
		n := w.counters(d)
		require.Greater(t, n.Rewritten, uint64(100))
		require.Greater(t, n.Sent, uint64(100))
		require.Zero(t, allocated)
		require.NoError(t, d.Close())
	}
}

type engineFunc func(p dpi.Packet, out []dpi.Verdict) []dpi.Verdict

func (f engineFunc) Handle(_ time.Duration, p dpi.Packet, out []dpi.Verdict) []dpi.Verdict {
	return f(p, out)
}
func (f engineFunc) Advance(_ time.Duration, out []dpi.Verdict) []dpi.Verdict { return out }

// BenchmarkBulk sends one TCP flow over a bridge: with no box, with every packet through an engine that accepts, by
// either reader, and with the flow offloaded after four packets. One iteration is 64 KiB. It measures the whole
// testbed: sender, receiver and daemon share the machine. ns/packet is wall time over the packets that the daemon
// received, and allocs/packet is everything that the process allocated meanwhile. With offload only the number of
// packets that were queued at all says something.
func BenchmarkBulk(b *testing.B) {
	for _, c := range []struct {
		name    string
		box     bool
		reader  Reader
		offload bool
	}{
		{"none", false, Own, false},
		{"own", true, Own, false},
		{"own-offload", true, Own, true},
		{"go-nfqueue", true, GoNFQueue, false},
		{"go-nfqueue-offload", true, GoNFQueue, true},
	} {
		b.Run(c.name, func(b *testing.B) { bulk(b, c.box, c.reader, c.offload) })
	}
}

func bulk(b *testing.B, box bool, r Reader, offload bool) {
	w := newWire(b, true)
	var d *Daemon
	if box {
		packets := 0
		c := w.config(func(p dpi.Packet) dpi.Verdict {
			v := accept(p)
			if packets++; packets > 4 {
				v.Offload = dpi.OffloadPass
			}
			return v
		})
		c.Reader = r
		if !offload {
			c.Kernel = 0
		}
		d = w.start(c)
	}
	from, to := w.pipe(b)
	var received int64
	var running sync.WaitGroup
	running.Go(func() {
		received, _ = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{to}, make([]byte, 256<<10))
	})
	chunk := make([]byte, 64<<10)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	b.SetBytes(int64(len(chunk)))
	b.ResetTimer()
	for range b.N {
		if _, err := from.Write(chunk); err != nil {
			b.Fatal(err)
		}
	}
	require.NoError(b, from.CloseWrite())
	running.Wait()
	b.StopTimer()
	runtime.ReadMemStats(&after)
	require.Equal(b, int64(b.N)*int64(len(chunk)), received)
	if d == nil {
		return
	}
	n := w.counters(d)
	b.ReportMetric(float64(n.Received), "queued")
	b.ReportMetric(float64(n.Overflowed), "overflows")
	if offload {
		return
	}
	b.ReportMetric(float64(n.Received)/b.Elapsed().Seconds(), "packets/s")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n.Received), "ns/packet")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(n.Received), "allocs/packet")
}

// pipe is a TCP connection from the client to the far end.
func (w *wire) pipe(t testing.TB) (from, to *net.TCPConn) {
	at := netip.AddrPortFrom(w.endIP[4], port)
	var l *net.TCPListener
	w.in(w.end, func() (err error) {
		l, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at))
		return err
	})
	defer l.Close()
	from, err := w.dialTCP(4, 0)
	require.NoError(t, err, fmt.Sprint(at))
	to, err = l.AcceptTCP()
	require.NoError(t, err)
	t.Cleanup(func() { _ = to.Close() })
	return from, to
}
