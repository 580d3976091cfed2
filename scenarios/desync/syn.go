package desync

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// sendSYN sends a SYN with data, and leaves the socket so that the kernel's own, which follows at once, has the same sequence
// number: the server's answer to the first is right for both. Where the answer should come before the kernel's SYN has left, the kernel resets
// it, and the second SYN opens the connection.
func (s Strategy) sendSYN(fd int, to netip.AddrPort) error {
	data, err := s.syn.stream(false)
	if err != nil {
		return err
	}
	self, err := source(to)
	if err != nil {
		return err
	}
	if err := unix.Bind(fd, sockaddr(netip.AddrPortFrom(self, 0))); err != nil {
		return fmt.Errorf("desync: syndata: %w", err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return fmt.Errorf("desync: syndata: %w", err)
	}
	port := 0
	switch n := name.(type) {
	case *unix.SockaddrInet4:
		port = n.Port
	case *unix.SockaddrInet6:
		port = n.Port
	}
	seq := 1 + rand.N[uint32](1<<31) // 0 would let the kernel choose
	if err := openWith(fd, seq); err != nil {
		return fmt.Errorf("desync: syndata: %w", err)
	}
	raw, err := openRaw(to.Addr())
	if err != nil {
		return err
	}
	defer raw.close()
	mss := uint16(1460)
	if to.Addr().Is6() {
		mss = 1440
	}
	if s.mss > 0 {
		mss = uint16(s.mss)
	}
	g := segment{
		from: netip.AddrPortFrom(self, uint16(port)), to: to, seq: seq, flags: flagSYN, window: 64240, data: data,
		// MSS and SACK. A window scale or timestamps of ours would not be those of the kernel, which takes the answer.
		options: []byte{2, 4, byte(mss >> 8), byte(mss), 4, 2, 1, 1},
	}
	return raw.send(packets(self, to.Addr(), protocolTCP, usualTTL, g.bytes(), fragment{}))
}

// source gives the address from which packets to an address are sent.
func source(to netip.AddrPort) (netip.Addr, error) {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return netip.Addr{}, fmt.Errorf("desync: no way to %s: %w", to.Addr(), err)
	}
	defer c.Close()
	return addrPort(c.LocalAddr()).Addr(), nil
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
	}
	return &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port())}
}
