package nfq

import (
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"dpilab/dpi"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

type handler func(p dpi.Packet) dpi.Verdict

// fake is an engine that decides each packet by itself.
type fake struct {
	handle   handler
	advances atomic.Int64
}

func (f *fake) Handle(_ time.Duration, p dpi.Packet, out []dpi.Verdict) []dpi.Verdict {
	return append(out, f.handle(p))
}

func (f *fake) Advance(_ time.Duration, out []dpi.Verdict) []dpi.Verdict {
	f.advances.Add(1)
	return out
}

func accept(p dpi.Packet) dpi.Verdict { return dpi.Verdict{ID: p.ID} }

// layout says where the headers of a plain packet are: of TCP and UDP without IPv6 extension headers.
func layout(b []byte) (protocol byte, transport int) {
	if b[0]>>4 == 4 {
		return b[9], int(b[0]&15) * 4
	}
	return b[6], 40
}

// payload of a plain TCP or UDP packet, or nil.
func payload(b []byte) []byte {
	protocol, at := layout(b)
	switch protocol {
	case unix.IPPROTO_UDP:
		return b[at+8:]
	case unix.IPPROTO_TCP:
		return b[at+int(b[at+12]>>4)*4:]
	}
	return nil
}

func isSYN(b []byte) bool {
	protocol, at := layout(b)
	return protocol == unix.IPPROTO_TCP && b[at+13]&0x12 == 0x02
}

const port = 4443

// echo runs a TCP and a UDP server at the far end, which give back what they get.
func (w *wire) echo(version int) {
	at := netip.AddrPortFrom(w.endIP[version], port)
	var l *net.TCPListener
	var u *net.UDPConn
	w.in(w.end, func() (err error) {
		if l, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at)); err != nil {
			return err
		}
		u, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
		return err
	})
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(time.Minute))
				_, _ = io.Copy(c, c)
			})
		}
	})
	running.Go(func() {
		b := make([]byte, 64<<10)
		for {
			n, from, err := u.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			_, _ = u.WriteToUDPAddrPort(b[:n], from)
		}
	})
	w.t.Cleanup(func() {
		_ = l.Close()
		_ = u.Close()
	})
}

// dialUDP is a client's socket towards the echo server.
func (w *wire) dialUDP(version int) *net.UDPConn {
	w.t.Helper()
	var c *net.UDPConn
	w.in(w.client, func() (err error) {
		c, err = net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(w.endIP[version], port)))
		return err
	})
	w.t.Cleanup(func() { _ = c.Close() })
	return c
}

// dialTCP connects from a source port (0: any).
func (w *wire) dialTCP(version, from int) (*net.TCPConn, error) {
	var c net.Conn
	err := inNetNS(int(w.client), func() (err error) {
		d := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{Port: from}}
		c, err = d.Dial("tcp", netip.AddrPortFrom(w.endIP[version], port).String())
		return err
	})
	if err != nil {
		return nil, err
	}
	w.t.Cleanup(func() { _ = c.Close() })
	return c.(*net.TCPConn), nil
}

// ask sends text and wants it, or what the box makes of it, back.
func (w *wire) ask(c net.Conn, text, want string) {
	w.t.Helper()
	_, err := c.Write([]byte(text))
	require.NoError(w.t, err)
	require.NoError(w.t, c.SetReadDeadline(time.Now().Add(patience)))
	b := make([]byte, len(want))
	_, err = io.ReadFull(c, b)
	require.NoError(w.t, err)
	require.Equal(w.t, want, string(b))
}

// askInVain sends text and wants no answer.
func (w *wire) askInVain(c net.Conn, text string) {
	w.t.Helper()
	_, err := c.Write([]byte(text))
	require.NoError(w.t, err)
	require.NoError(w.t, c.SetReadDeadline(time.Now().Add(silence)))
	b := make([]byte, 64<<10)
	n, err := c.Read(b)
	require.Error(w.t, err, "got %q", b[:n])
}

// checksum fills in the transport checksum of a plain UDP packet, and the header's of IPv4.
func checksum(b []byte) []byte {
	protocol, at := layout(b)
	sum := uint32(protocol) + uint32(len(b)-at)
	first := 8
	if b[0]>>4 == 4 {
		first = 12
		b[10], b[11] = 0, 0
		h := ^fold(add(0, b[:at]))
		b[10], b[11] = byte(h>>8), byte(h)
	}
	b[at+6], b[at+7] = 0, 0
	c := ^fold(add(add(sum, b[first:at]), b[at:]))
	b[at+6], b[at+7] = byte(c>>8), byte(c)
	return b
}

func add(sum uint32, b []byte) uint32 {
	for i, v := range b {
		sum += uint32(v) << (8 * (1 - i%2))
	}
	return sum
}

func fold(sum uint32) uint16 {
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return uint16(sum)
}
