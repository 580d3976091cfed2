package packet

import (
	"encoding/binary"
	"math/bits"
)

// sum adds b to the running one's complement sum (RFC 1071), eight bytes at a time: a carry out of 64 bits is worth
// one, as it is out of 16.
func sum(acc uint64, b []byte) uint64 {
	var carry uint64
	for len(b) >= 8 {
		acc, carry = bits.Add64(acc, binary.BigEndian.Uint64(b), 0)
		acc += carry
		b = b[8:]
	}
	if len(b) == 0 {
		return acc
	}
	var tail [8]byte
	copy(tail[:], b)
	acc, carry = bits.Add64(acc, binary.BigEndian.Uint64(tail[:]), 0)
	return acc + carry
}

// fold brings a running sum down to 16 bits.
func fold(acc uint64) uint16 {
	acc = acc>>32 + acc&0xffffffff
	acc = acc>>32 + acc&0xffffffff
	acc = acc>>16 + acc&0xffff
	acc = acc>>16 + acc&0xffff
	return uint16(acc>>16 + acc&0xffff)
}

// update is equation 3 of RFC 1624: the checksum after from was replaced by to, which are equally long and even.
func update(checksum uint16, from, to []byte) uint16 {
	acc := uint64(^checksum)
	for i := 0; i < len(from); i += 2 {
		acc += uint64(^binary.BigEndian.Uint16(from[i:])) + uint64(binary.BigEndian.Uint16(to[i:]))
	}
	return ^fold(acc)
}

// pseudo sums the pseudo header for n bytes of transport (RFC 9293, section 3.1; RFC 8200, section 8.1).
func (p *Packet) pseudo(n int) uint64 {
	acc := uint64(n) + uint64(p.Protocol)
	if p.Version == 4 {
		return sum(acc, p.Data[ipv4Src:ipv4Len])
	}
	acc = sum(acc, p.Data[ipv6Src:ipv6Dst])
	return sum(acc, p.Data[p.pseudoDst:p.pseudoDst+16])
}

// ChecksumOK says whether the IPv4 header's checksum and that of TCP, UDP, ICMP or ICMPv6 hold. The transport's is
// taken for right where it cannot be known: in fragments, in packets that are cut, and above other protocols. No checksum (0) is right in UDP over
// IPv4 and wrong over IPv6. Valid after a nil error of Decode.
func (p *Packet) ChecksumOK() bool {
	if p.Version == 4 && fold(sum(0, p.Data[:int(p.Data[0]&15)*4])) != 0xffff {
		return false
	}
	if p.Fragment || p.Cut() {
		return true
	}
	above := p.Data[p.Transport:]
	switch p.Protocol {
	case TCP:
		return fold(sum(p.pseudo(len(above)), above)) == 0xffff
	case UDP:
		if above[udpChecksum] == 0 && above[udpChecksum+1] == 0 {
			return p.Version == 4
		}
		above = above[:udpLen+len(p.Payload)]
		return fold(sum(p.pseudo(len(above)), above)) == 0xffff
	case ICMP:
		return fold(sum(0, above)) == 0xffff
	case ICMPv6:
		return fold(sum(p.pseudo(len(above)), above)) == 0xffff
	}
	return true
}

// sealIPv4 computes the header's checksum.
func (p *Packet) sealIPv4() {
	header := p.Data[:int(p.Data[0]&15)*4]
	binary.BigEndian.PutUint16(header[ipv4Checksum:], 0)
	binary.BigEndian.PutUint16(header[ipv4Checksum:], ^fold(sum(0, header)))
}

// sealTransport computes the checksum of TCP or UDP, at offset at of all that follows the IP headers.
func (p *Packet) sealTransport(at int) {
	above := p.Data[p.Transport:]
	binary.BigEndian.PutUint16(above[at:], 0)
	checksum := ^fold(sum(p.pseudo(len(above)), above))
	if checksum == 0 && p.Protocol == UDP {
		checksum = 0xffff // 0 means "none" (RFC 768)
	}
	binary.BigEndian.PutUint16(above[at:], checksum)
}
