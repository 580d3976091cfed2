package nfq

import (
	"fmt"
	"net"
	"net/netip"
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
