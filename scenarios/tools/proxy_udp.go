package tools

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
)

// maxDatagram is what UDP can carry.
const maxDatagram = 1 << 16

// listenPacket opens a socket whose datagrams the proxy relays: RFC 1928, section 7.
func (p *proxy) listenPacket(ctx context.Context, _ net.Addr) (net.PacketConn, error) {
	var at netip.AddrPort
	control, err := p.dial(ctx, func(c net.Conn) (_ io.Reader, err error) {
		at, err = p.socks(c, socksAssociate, "0.0.0.0:0")
		return c, err
	})
	if err != nil {
		return nil, err
	}
	if !at.Addr().IsValid() || at.Addr().IsUnspecified() { // where the proxy is, as most mean it
		at = netip.AddrPortFrom(control.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap(), at.Port())
	}
	network := "udp4"
	if at.Addr().Is6() {
		network = "udp6"
	}
	pc, err := p.client.ListenPacket(ctx, network, ":0")
	if err != nil {
		control.Close()
		return nil, err
	}
	return &relayed{PacketConn: pc, control: control, relay: net.UDPAddrFromAddrPort(at), received: &p.received, buffer: make([]byte, maxDatagram)}, nil
}

// relayed is a UDP socket behind a proxy, which relays as long as the control connection is open. Any goroutine.
type relayed struct {
	net.PacketConn
	control  net.Conn
	relay    *net.UDPAddr
	received *atomic.Int64

	mu     sync.Mutex
	buffer []byte // of ReadFrom
}

// WriteTo has the proxy send a datagram to an address, or to a name.
func (c *relayed) WriteTo(b []byte, to net.Addr) (int, error) {
	packet, err := appendAddress([]byte{0, 0, 0}, to.String())
	if err != nil {
		return 0, err
	}
	if _, err := c.PacketConn.WriteTo(append(packet, b...), c.relay); err != nil {
		return 0, err
	}
	return len(b), nil
}

// ReadFrom takes the next datagram out of what the proxy puts it in. Fragments, which nobody sends, are left.
func (c *relayed) ReadFrom(b []byte) (int, net.Addr, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		n, _, err := c.PacketConn.ReadFrom(c.buffer)
		if err != nil {
			return 0, nil, err
		}
		r := bytes.NewReader(c.buffer[:n])
		head := make([]byte, 3)
		if _, err := io.ReadFull(r, head); err != nil || head[2] != 0 {
			continue
		}
		from, err := readAddress(r)
		if err != nil {
			continue
		}
		n, _ = r.Read(b)
		c.received.Add(int64(n))
		return n, net.UDPAddrFromAddrPort(from), nil
	}
}

// Close ends the relaying.
func (c *relayed) Close() error { return errors.Join(c.PacketConn.Close(), c.control.Close()) }

// appendAddress appends "name:port" or "address:port" as RFC 1928 writes it, section 5.
func appendAddress(b []byte, address string) ([]byte, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, err
	}
	switch addr, err := netip.ParseAddr(host); {
	case err == nil && addr.Unmap().Is4():
		b = append(append(b, 1), addr.Unmap().AsSlice()...)
	case err == nil:
		b = append(append(b, 4), addr.AsSlice()...)
	case len(host) > 255:
		return nil, fmt.Errorf("found a name of %d bytes, expected at most 255", len(host))
	default:
		b = append(append(b, 3, byte(len(host))), host...)
	}
	return binary.BigEndian.AppendUint16(b, uint16(number)), nil
}

// readAddress reads what appendAddress writes. A name gives its port alone.
func readAddress(r io.Reader) (netip.AddrPort, error) {
	kind := make([]byte, 1)
	if _, err := io.ReadFull(r, kind); err != nil {
		return netip.AddrPort{}, err
	}
	size := map[byte]int{1: 4, 4: 16}[kind[0]]
	if kind[0] == 3 {
		length := make([]byte, 1)
		if _, err := io.ReadFull(r, length); err != nil {
			return netip.AddrPort{}, err
		}
		size = int(length[0])
	} else if size == 0 {
		return netip.AddrPort{}, fmt.Errorf("found an address of the type %d, expected 1, 3 or 4", kind[0])
	}
	b := make([]byte, size+2)
	if _, err := io.ReadFull(r, b); err != nil {
		return netip.AddrPort{}, err
	}
	port := binary.BigEndian.Uint16(b[size:])
	if kind[0] == 3 {
		return netip.AddrPortFrom(netip.Addr{}, port), nil
	}
	addr, _ := netip.AddrFromSlice(b[:size])
	return netip.AddrPortFrom(addr.Unmap(), port), nil
}
