package desync

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
)

const (
	protocolTCP = 6
	protocolUDP = 17

	flagSYN, flagPSH, flagACK, flagURG = 0x02, 0x08, 0x10, 0x20
)

// segment is a TCP segment as it goes onto the wire.
type segment struct {
	from, to netip.AddrPort
	seq, ack uint32
	flags    byte
	window   uint16
	urgent   uint16
	options  []byte // a multiple of 4
	data     []byte
	badSum   bool
}

// bytes is the segment with its checksum, or one that is wrong in all bits.
func (s segment) bytes() []byte {
	b := binary.BigEndian.AppendUint16(nil, s.from.Port())
	b = binary.BigEndian.AppendUint16(b, s.to.Port())
	b = binary.BigEndian.AppendUint32(b, s.seq)
	b = binary.BigEndian.AppendUint32(b, s.ack)
	b = append(b, byte(20+len(s.options))<<2, s.flags)
	b = binary.BigEndian.AppendUint16(b, s.window)
	b = append(b, 0, 0)
	b = binary.BigEndian.AppendUint16(b, s.urgent)
	b = append(append(b, s.options...), s.data...)
	sum := checksum(s.from.Addr(), s.to.Addr(), protocolTCP, b)
	if s.badSum {
		sum = ^sum
	}
	binary.BigEndian.PutUint16(b[16:], sum)
	return b
}

// datagram is a UDP packet's bytes.
func datagram(from, to netip.AddrPort, data []byte, badSum bool) []byte {
	b := binary.BigEndian.AppendUint16(nil, from.Port())
	b = binary.BigEndian.AppendUint16(b, to.Port())
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(data)))
	b = append(append(b, 0, 0), data...)
	sum := checksum(from.Addr(), to.Addr(), protocolUDP, b)
	if badSum {
		sum = ^sum
	}
	if sum == 0 { // means: none
		sum = 0xffff
	}
	binary.BigEndian.PutUint16(b[6:], sum)
	return b
}

// checksum is that of TCP and UDP over the pseudo header and the packet, in which its own field is zero.
func checksum(from, to netip.Addr, protocol byte, b []byte) uint16 {
	var sum uint32
	add := func(b []byte) {
		for ; len(b) > 1; b = b[2:] {
			sum += uint32(b[0])<<8 | uint32(b[1])
		}
		if len(b) == 1 {
			sum += uint32(b[0]) << 8
		}
	}
	add(from.AsSlice())
	add(to.AsSlice())
	sum += uint32(protocol) + uint32(len(b))
	add(b)
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// packets puts an IP header before the payload, or makes two fragments of it where the cut lies within. The kernel fills in the
// checksum of IPv4's header. Each packet has an id of its own, never 0: boxes notice one that comes twice (O075).
func packets(from, to netip.Addr, protocol byte, ttl int, payload []byte, cut fragment) [][]byte {
	id := 1 + rand.N[uint32](0xfffe)
	if to.Is6() {
		id = rand.Uint32()
	}
	if cut.at == 0 || cut.at >= len(payload) {
		return [][]byte{ipPacket(from, to, protocol, ttl, id, payload, 0, false, false)}
	}
	first := ipPacket(from, to, protocol, ttl, id, payload[:cut.at], 0, true, true)
	last := ipPacket(from, to, protocol, ttl, id, payload[cut.at:], cut.at, true, false)
	if cut.reverse {
		return [][]byte{last, first}
	}
	return [][]byte{first, last}
}

// ipPacket is one packet; at is where its payload begins in the whole, more that it is not the last fragment.
func ipPacket(from, to netip.Addr, protocol byte, ttl int, id uint32, payload []byte, at int, piece, more bool) []byte {
	if to.Is6() {
		return ip6Packet(from, to, protocol, ttl, id, payload, at, piece, more)
	}
	const dontFragment, moreFragments = 0x4000, 0x2000
	field := uint16(at / 8)
	switch {
	case more:
		field |= moreFragments
	case !piece:
		field |= dontFragment
	}
	b := []byte{0x45, 0}
	b = binary.BigEndian.AppendUint16(b, uint16(20+len(payload)))
	b = binary.BigEndian.AppendUint16(b, uint16(id))
	b = binary.BigEndian.AppendUint16(b, field)
	b = append(b, byte(ttl), protocol, 0, 0)
	b = append(append(b, from.AsSlice()...), to.AsSlice()...)
	return append(b, payload...)
}

func ip6Packet(from, to netip.Addr, protocol byte, ttl int, id uint32, payload []byte, at int, piece, more bool) []byte {
	const fragmentHeader = 44
	size, next := len(payload), protocol
	if piece {
		size, next = size+8, fragmentHeader
	}
	b := []byte{0x60, 0, 0, 0}
	b = binary.BigEndian.AppendUint16(b, uint16(size))
	b = append(b, next, byte(ttl))
	b = append(append(b, from.AsSlice()...), to.AsSlice()...)
	if piece {
		field := uint16(at)
		if more {
			field |= 1
		}
		b = append(b, protocol, 0)
		b = binary.BigEndian.AppendUint16(b, field)
		b = binary.BigEndian.AppendUint32(b, id)
	}
	return append(b, payload...)
}
