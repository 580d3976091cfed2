package desync

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
)

// firstSize is what a strategy is for of a first write that is longer: all of a ClientHello, in its largest record.
const firstSize = 16 << 10

// conn is a connection of which the first write is sent as the strategy says.
type conn struct {
	net.Conn
	strategy Strategy
	raw      *rawSocket // nil: the strategy needs none
	hops     int        // to the server, where a TTL is auto
	window   bool       // the receive window is small as yet

	mu     sync.Mutex // of writes
	writes int
}

// Write sends b. The first call returns when all packets of it are out, delays included; a deadline does not end it.
func (c *conn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(b) == 0 {
		return c.Conn.Write(b)
	}
	c.writes++
	switch c.writes {
	case 1:
		n := min(len(b), firstSize)
		if err := c.first(b[:n]); err != nil {
			return 0, err
		}
		if n == len(b) {
			return n, nil
		}
		rest, err := c.Conn.Write(b[n:])
		return n + rest, err
	case 2:
		if c.window {
			c.control(widen)
		}
	}
	return c.Conn.Write(b)
}

// CloseWrite ends the client's half.
func (c *conn) CloseWrite() error {
	w, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return w.CloseWrite()
}

func (c *conn) Close() error {
	err := c.Conn.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw.close()
	c.raw = nil
	return err
}

// control runs f with the connection's descriptor.
func (c *conn) control(f func(fd int) error) error {
	s, ok := c.Conn.(syscall.Conn)
	if !ok {
		return errors.ErrUnsupported
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return err
	}
	if e := raw.Control(func(fd uintptr) { err = f(int(fd)) }); e != nil {
		return e
	}
	return err
}

func addrPort(a net.Addr) netip.AddrPort {
	var p netip.AddrPort
	switch a := a.(type) {
	case *net.TCPAddr:
		p = a.AddrPort()
	case *net.UDPAddr:
		p = a.AddrPort()
	}
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}
