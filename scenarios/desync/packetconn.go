package desync

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
)

// packetConn is a UDP socket whose first datagrams are sent as the strategy says.
type packetConn struct {
	net.PacketConn
	strategy Strategy
	raw      *rawSocket
	self, to netip.AddrPort
	hops     int

	mu     sync.Mutex
	opened bool
}

// ListenPacket opens a UDP socket for datagrams to an address, a *net.UDPAddr, of whose host alone the strategy's steps are for. It is
// bound to the address from which packets leave for it.
func (d *Dialer) ListenPacket(ctx context.Context, to net.Addr) (net.PacketConn, error) {
	far := addrPort(to)
	if !far.IsValid() {
		return nil, fmt.Errorf("desync: %v is no UDP address", to)
	}
	c := &packetConn{strategy: d.strategy, to: far}
	var err error
	if d.strategy.usesAuto(true) {
		if c.hops, err = d.hopsTo(ctx, far, true); err != nil {
			return nil, err
		}
	}
	err = d.do(func() error {
		self, err := source(far)
		if err != nil {
			return err
		}
		at := netip.AddrPortFrom(self, uint16(d.strategy.sourcePort))
		if c.PacketConn, err = (&net.ListenConfig{}).ListenPacket(ctx, "udp", at.String()); err != nil {
			return err
		}
		c.self = addrPort(c.PacketConn.LocalAddr())
		c.raw, err = openRaw(far.Addr())
		return err
	})
	if err != nil {
		if c.PacketConn != nil {
			c.PacketConn.Close()
		}
		return nil, err
	}
	return c, nil
}

// WriteTo sends a datagram, fakes before the first one.
func (c *packetConn) WriteTo(b []byte, to net.Addr) (int, error) {
	if addrPort(to) != c.to {
		return c.PacketConn.WriteTo(b, to)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.raw == nil {
		return 0, net.ErrClosed
	}
	if !c.opened {
		c.opened = true
		if err := c.fakes(); err != nil {
			return 0, err
		}
	}
	if c.strategy.udpFragment.at == 0 || !isInitial(b) {
		return c.PacketConn.WriteTo(b, to)
	}
	if err := c.send(b, 0, false, c.strategy.udpFragment); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (c *packetConn) fakes() error {
	for _, f := range c.strategy.udpFakes {
		data, err := f.payload.datagram()
		if err != nil {
			return err
		}
		for range f.times {
			if err := c.send(data, f.ttl, f.badSum, fragment{}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *packetConn) send(data []byte, ttl hopLimit, badSum bool, cut fragment) error {
	return c.raw.send(packets(c.self.Addr(), c.to.Addr(), protocolUDP, ttl.value(c.hops), datagram(c.self, c.to, data, badSum), cut))
}

// Close closes the socket.
func (c *packetConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw.close()
	c.raw = nil
	return c.PacketConn.Close()
}

// SetReadBuffer is asked by QUIC's programs.
func (c *packetConn) SetReadBuffer(n int) error { return c.PacketConn.(*net.UDPConn).SetReadBuffer(n) }

// SetWriteBuffer is asked by QUIC's programs.
func (c *packetConn) SetWriteBuffer(n int) error {
	return c.PacketConn.(*net.UDPConn).SetWriteBuffer(n)
}

// isInitial tells whether a datagram begins with an Initial of QUIC version 1 or 2 (RFC 9000, 17.2.2; RFC 9369, 3.2).
func isInitial(b []byte) bool {
	if len(b) < 5 || b[0]&0xc0 != 0xc0 {
		return false
	}
	switch [4]byte(b[1:5]) {
	case [4]byte{0, 0, 0, 1}:
		return b[0]&0x30 == 0
	case [4]byte{0x6b, 0x33, 0x43, 0xcf}:
		return b[0]&0x30 == 0x10
	}
	return false
}
