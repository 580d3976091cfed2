package packet

import (
	"encoding/binary"
	"net/netip"
)

// builtWindow is the receive window that built TCP packets offer. A choice: the largest without scaling.
const builtWindow = 0xffff

// AppendTCP appends to b an IP packet with one TCP segment without options, checksums right, and returns the longer
// slice. IPv4 packets have IP-ID 0 and "don't fragment". Addresses of two families, or more payload than a packet holds,
// leave b as it was. It allocates only when b has too little capacity.
func AppendTCP(b []byte, src, dst netip.AddrPort, seq, ack uint32, flags uint8, ttl uint8, payload []byte) []byte {
	start := len(b)
	b, p := appendIP(b, src, dst, TCP, ttl, tcpLen+len(payload))
	if len(b) == start {
		return b
	}
	b = appendPorts(b, src, dst)
	b = binary.BigEndian.AppendUint32(b, seq)
	b = binary.BigEndian.AppendUint32(b, ack)
	b = append(b, tcpLen/4<<4, flags)
	b = binary.BigEndian.AppendUint16(b, builtWindow)
	b = append(b, 0, 0, 0, 0) // checksum, urgent pointer
	b = append(b, payload...)
	return p.seal(b, start, tcpChecksum)
}

// AppendUDP appends an IP packet with one UDP datagram; all else is as with AppendTCP.
func AppendUDP(b []byte, src, dst netip.AddrPort, ttl uint8, payload []byte) []byte {
	start := len(b)
	b, p := appendIP(b, src, dst, UDP, ttl, udpLen+len(payload))
	if len(b) == start {
		return b
	}
	b = appendPorts(b, src, dst)
	b = binary.BigEndian.AppendUint16(b, uint16(udpLen+len(payload)))
	b = append(b, 0, 0) // checksum
	b = append(b, payload...)
	return p.seal(b, start, udpChecksum)
}

// appendIP appends the IP header above which n bytes follow. The Packet knows what seal needs.
func appendIP(b []byte, src, dst netip.AddrPort, protocol, ttl uint8, n int) ([]byte, Packet) {
	s, d := src.Addr().Unmap(), dst.Addr().Unmap()
	switch {
	case s.Is4() && d.Is4() && ipv4Len+n <= 0xffff:
		b = append(b, 0x45, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(ipv4Len+n))
		b = append(b, 0, 0, dontFragment>>8, 0, ttl, protocol, 0, 0)
		s4, d4 := s.As4(), d.As4()
		b = append(b, s4[:]...)
		b = append(b, d4[:]...)
		return b, Packet{Version: 4, Protocol: protocol, Transport: ipv4Len}
	case s.Is6() && d.Is6() && n <= 0xffff:
		b = append(b, 0x60, 0, 0, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(n))
		b = append(b, protocol, ttl)
		s16, d16 := s.As16(), d.As16()
		b = append(b, s16[:]...)
		b = append(b, d16[:]...)
		return b, Packet{Version: 6, Protocol: protocol, Transport: ipv6Len, pseudoDst: ipv6Dst}
	}
	return b, Packet{}
}

func appendPorts(b []byte, src, dst netip.AddrPort) []byte {
	b = binary.BigEndian.AppendUint16(b, src.Port())
	return binary.BigEndian.AppendUint16(b, dst.Port())
}

// seal computes the checksums of the packet that begins at start of b.
func (p *Packet) seal(b []byte, start, at int) []byte {
	p.Data = b[start:]
	if p.Version == 4 {
		p.sealIPv4()
	}
	p.sealTransport(at)
	return b
}
