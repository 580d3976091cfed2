package desync

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	maxHops = 30
	// hopPatience is how long a router, or the server, has to answer: longer than the round trip of any path that a client would use.
	hopPatience = time.Second
)

type hopsKey struct {
	to  netip.Addr
	udp bool
}

// hopsTo gives the lowest TTL that reaches the server. It is found out once an address.
func (d *Dialer) hopsTo(ctx context.Context, to netip.AddrPort, udp bool) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock() // others that want to know wait for the answer
	key := hopsKey{to.Addr(), udp}
	if n := d.hops[key]; n > 0 {
		return n, nil
	}
	for ttl := 1; ttl <= maxHops; ttl++ {
		reached, err := d.tryHop(ctx, to, udp, ttl)
		switch {
		case err != nil:
			return 0, err
		case reached && ttl == 1:
			return 0, fmt.Errorf("desync: ttl auto: %s is one hop away: nothing dies before it that passes a box", to.Addr())
		case reached:
			d.hops[key] = ttl
			return ttl, nil
		}
	}
	return 0, fmt.Errorf("desync: ttl auto: no TTL up to %d reaches %s; give the step a number", maxHops, to)
}

// tryHop tells whether a packet with this TTL reaches the server: whether TCP is answered, or a datagram brings no word of a router
// that its time is exceeded. A box that drops the datagram looks like the server.
func (d *Dialer) tryHop(ctx context.Context, to netip.AddrPort, udp bool, ttl int) (reached bool, err error) {
	hop, cancel := context.WithTimeout(ctx, hopPatience)
	defer cancel()
	n := net.Dialer{ControlContext: func(_ context.Context, _, _ string, raw syscall.RawConn) (err error) {
		if e := raw.Control(func(fd uintptr) { err = limitHops(int(fd), to.Addr(), ttl) }); e != nil {
			return e
		}
		return err
	}}
	n.SetMultipathTCP(false)
	network := "tcp"
	if udp {
		network = "udp"
	}
	var c net.Conn
	err = d.do(func() (err error) {
		c, err = n.DialContext(hop, network, to.String())
		return err
	})
	if err == nil && udp {
		c.SetDeadline(time.Now().Add(hopPatience))
		if _, err = c.Write([]byte{0}); err == nil {
			_, err = c.Read(make([]byte, 1))
		}
	}
	if c != nil {
		c.Close()
	}
	var late net.Error
	switch {
	case err == nil || errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.ECONNRESET):
		return true, nil
	case errors.Is(err, unix.EHOSTUNREACH):
		return false, nil
	case errors.As(err, &late) && late.Timeout():
		return udp, ctx.Err()
	}
	return false, fmt.Errorf("desync: ttl auto: TTL %d: %w", ttl, err)
}

func limitHops(fd int, to netip.Addr, ttl int) error {
	if to.Is4() {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_RECVERR, 1); err != nil {
			return err
		}
		return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TTL, ttl)
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1); err != nil {
		return err
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, ttl)
}
