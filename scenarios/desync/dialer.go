package desync

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Dialer opens connections whose first bytes go out as a strategy says. Any goroutine.
type Dialer struct {
	strategy Strategy
	do       func(func() error) error

	mu   sync.Mutex
	hops map[hopsKey]int
}

// Dialer opens connections in the network into which do puts the thread that runs a function: a *lab.Host's Do is one. nil is the
// network of the caller.
func (s Strategy) Dialer(do func(func() error) error) *Dialer {
	if do == nil {
		do = func(f func() error) error { return f() }
	}
	return &Dialer{strategy: s, do: do, hops: map[hopsKey]int{}}
}

// DialContext connects to an IP address and a port by TCP; network is tcp, tcp4 or tcp6. With a TTL that is auto, the first call to an
// address takes up to a round trip for each hop longer, and tells the server of it by connections that are closed at once.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, fmt.Errorf("desync: %q is no IP address and port", address)
	}
	to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
	if network != "tcp" && network != "tcp4" && network != "tcp6" {
		return nil, fmt.Errorf("desync: %s: only TCP is dialled; datagrams are ListenPacket's", network)
	}
	c := &conn{strategy: d.strategy, window: d.strategy.window > 0}
	if d.strategy.usesAuto(false) {
		if c.hops, err = d.hopsTo(ctx, to, false); err != nil {
			return nil, err
		}
	}
	err = d.do(func() (err error) {
		if d.strategy.usesRaw() {
			if c.raw, err = openRaw(to.Addr()); err != nil {
				return err
			}
		}
		n := net.Dialer{ControlContext: func(_ context.Context, _, _ string, raw syscall.RawConn) error {
			var inner error
			if err := raw.Control(func(fd uintptr) { inner = d.prepare(int(fd), to) }); err != nil {
				return err
			}
			return inner
		}}
		n.SetMultipathTCP(false) // TCP_REPAIR knows plain TCP alone
		c.Conn, err = n.DialContext(ctx, network, to.String())
		return err
	})
	if err != nil {
		c.raw.close()
		return nil, err
	}
	return c, nil
}

// prepare sets a socket up before it connects.
func (d *Dialer) prepare(fd int, to netip.AddrPort) error {
	s := d.strategy
	if s.window > 0 {
		if err := window(fd, max(s.window, leastWindow)); err != nil {
			return fmt.Errorf("desync: window %d: %w", s.window, err)
		}
	}
	if s.mss > 0 {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_MAXSEG, s.mss); err != nil {
			return fmt.Errorf("desync: mss %d: %w", s.mss, err)
		}
	}
	if s.syn != nil {
		return s.sendSYN(fd, to)
	}
	return nil
}

// leastWindow is the smallest receive window that the kernel can be made to have: half of SOCK_MIN_RCVBUF.
const leastWindow = 1152

// window keeps a socket's receive window below a size. A buffer of a fixed size keeps the kernel from raising it by itself.
func window(fd, size int) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, size); err != nil {
		return err
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_WINDOW_CLAMP, size)
}

// widen lets the window grow as far as the connection's window scale, which was chosen for a small one, allows.
func widen(fd int) error {
	const buffer, largest = 1 << 17, 65535
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, buffer); err != nil {
		return err
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_WINDOW_CLAMP, largest)
}
