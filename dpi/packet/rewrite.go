package packet

import "encoding/binary"

// ToRSTACK turns a whole TCP packet, in place, into a reset of the same flow, as the box does to a server's answer
// (spec B01; IMC22): no payload, no options, flags RST and ACK; sequence and acknowledgement numbers, window, TTL, IP-ID
// and the IP headers stay. Lengths and checksums are made right. It returns the shortened packet, which p describes
// from then on, or nil, with nothing changed, when p is not a whole TCP packet.
func (p *Packet) ToRSTACK() []byte {
	if !p.HasTransport || p.Protocol != TCP || p.Fragment {
		return nil
	}
	p.Data = p.Data[:p.Transport+tcpLen]
	p.Length, p.PayloadLength = len(p.Data), 0
	header := p.Data[p.Transport:]
	header[tcpOffset] = tcpLen / 4 << 4
	header[tcpFlags] = RST | ACK
	binary.BigEndian.PutUint16(header[tcpUrgent:], 0)
	p.Flags = RST | ACK
	p.TCPOptions, p.Payload = header[tcpLen:], header[tcpLen:]
	if p.Version == 4 {
		binary.BigEndian.PutUint16(p.Data[ipv4Total:], uint16(len(p.Data)))
		p.sealIPv4()
	} else {
		binary.BigEndian.PutUint16(p.Data[ipv6Length:], uint16(len(p.Data)-ipv6Len))
	}
	p.sealTransport(tcpChecksum)
	return p.Data
}

// SetSrc puts a in place of the source address, see SetDst.
func (p *Packet) SetSrc(a [16]byte) {
	if p.setAddr(ipv4Src, ipv6Src, a) {
		p.Src = a
	}
}

// SetDst puts a in place of the destination address and updates the checksums of IPv4, TCP, UDP and ICMPv6 from the
// difference (RFC 1624), so that a wrong checksum stays wrong. It works on fragments too: the first one carries the
// checksum of the whole, provided that it is large enough to hold the field. An address of the other family changes
// nothing. Valid after a nil error of Decode.
func (p *Packet) SetDst(a [16]byte) {
	if p.setAddr(ipv4Dst, ipv6Dst, a) {
		p.Dst = a
	}
}

func (p *Packet) setAddr(at4, at6 int, a [16]byte) bool {
	is4 := is4in6(a)
	if p.Version == 4 && is4 {
		p.replace(p.Data[at4:at4+4], a[12:], true)
		return true
	}
	if p.Version == 6 && !is4 {
		p.replace(p.Data[at6:at6+16], a[:], at6 == ipv6Src || p.pseudoDst == ipv6Dst)
		return true
	}
	return false
}

// replace overwrites an address; covered says that the transport's checksum covers it.
func (p *Packet) replace(old, a []byte, covered bool) {
	if p.Version == 4 {
		field := p.Data[ipv4Checksum:]
		binary.BigEndian.PutUint16(field, update(binary.BigEndian.Uint16(field), old, a))
	}
	if field := p.checksumField(); covered && field != nil {
		p.updateTransport(field, old, a)
	}
	copy(old, a)
}

func (p *Packet) updateTransport(field, old, a []byte) {
	checksum := binary.BigEndian.Uint16(field)
	if p.Protocol == UDP && checksum == 0 {
		return // none, and none it stays (RFC 768)
	}
	checksum = update(checksum, old, a)
	if p.Protocol == UDP && checksum == 0 {
		checksum = 0xffff
	}
	binary.BigEndian.PutUint16(field, checksum)
}

// checksumField finds the checksum that covers the addresses; nil where there is none in this packet.
func (p *Packet) checksumField() []byte {
	if p.FragOffset != 0 {
		return nil
	}
	at := p.Transport
	switch {
	case p.Protocol == TCP:
		at += tcpChecksum
	case p.Protocol == UDP:
		at += udpChecksum
	case p.Protocol == ICMPv6 && p.Version == 6:
		at += icmpChecksum
	default:
		return nil
	}
	if at+2 > len(p.Data) {
		return nil
	}
	return p.Data[at : at+2]
}
