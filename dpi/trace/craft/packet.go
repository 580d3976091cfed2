// Package craft makes packets and payloads as clients, servers and those who hide from a box send them: whole IP packets with any field
// wrong, ClientHellos with known fingerprints, server flights, QUIC Initials, DTLS, tunnels, DNS. Everything random comes from the
// caller's source, so that the same seed gives the same bytes.
//
// It is for traces and tests; it allocates freely. Nothing here is a working endpoint of any protocol.
package craft

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// IP protocol numbers.
const (
	icmp   = 1
	tcp    = 6
	udp    = 17
	icmpv6 = 58
)

// IP is the header of a packet. The zero ID is sent as it is.
type IP struct {
	Src, Dst     netip.Addr // of one family
	TTL          uint8
	ID           uint16 // IPv4; of the fragment header in IPv6
	DontFragment bool
}

// TCP is a segment. Zero fields are sent as they are, but for the checksum.
type TCP struct {
	SrcPort, DstPort uint16
	Seq, Ack         uint32
	Flags            uint8
	Window           uint16
	Options          []byte // padded with zeros to a multiple of four
	Payload          []byte
	BadChecksum      bool
}

// Packet gives the whole IP packet; nil when it is too long for one, or the options are.
func (t TCP) Packet(ip IP) []byte {
	options := slices.Clone(t.Options)
	for len(options)%4 != 0 {
		options = append(options, 0)
	}
	if len(options) > 40 {
		return nil
	}
	b := binary.BigEndian.AppendUint16(nil, t.SrcPort)
	b = binary.BigEndian.AppendUint16(b, t.DstPort)
	b = binary.BigEndian.AppendUint32(b, t.Seq)
	b = binary.BigEndian.AppendUint32(b, t.Ack)
	b = append(b, byte(20+len(options))/4<<4, t.Flags)
	b = binary.BigEndian.AppendUint16(b, t.Window)
	b = append(b, 0, 0, 0, 0)
	b = append(append(b, options...), t.Payload...)
	return ip.carry(tcp, b, 16, t.BadChecksum)
}

// UDP is a datagram.
type UDP struct {
	SrcPort, DstPort uint16
	Payload          []byte
	BadChecksum      bool
}

// Packet gives the whole IP packet; nil when it is too long for one.
func (u UDP) Packet(ip IP) []byte {
	b := binary.BigEndian.AppendUint16(nil, u.SrcPort)
	b = binary.BigEndian.AppendUint16(b, u.DstPort)
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(u.Payload)))
	b = append(append(b, 0, 0), u.Payload...)
	return ip.carry(udp, b, 6, u.BadChecksum)
}

// Echo is an ICMP echo, of the IP packet's family.
type Echo struct {
	Reply   bool
	ID, Seq uint16
	Payload []byte
}

// Packet gives the whole IP packet; nil when it is too long for one.
func (e Echo) Packet(ip IP) []byte {
	kind, protocol := byte(8), byte(icmp)
	if e.Reply {
		kind = 0
	}
	if ip.Src.Is6() {
		kind, protocol = 128, icmpv6
		if e.Reply {
			kind = 129
		}
	}
	b := []byte{kind, 0, 0, 0}
	b = binary.BigEndian.AppendUint16(b, e.ID)
	b = binary.BigEndian.AppendUint16(b, e.Seq)
	return ip.carry(protocol, append(b, e.Payload...), 2, false)
}

// carry puts an IP header before b, whose checksum stands at at.
func (h IP) carry(protocol byte, b []byte, at int, bad bool) []byte {
	sum := checksum(h.pseudo(protocol, len(b)), b)
	if sum == 0 && protocol == udp {
		sum = 0xffff
	}
	if bad {
		sum ^= 0x5a5a
	}
	binary.BigEndian.PutUint16(b[at:], sum)
	header := h.header(protocol, len(b), 0)
	if header == nil {
		return nil
	}
	return append(header, b...)
}

func (h IP) pseudo(protocol byte, n int) uint32 {
	if protocol == icmp {
		return 0
	}
	var ends []byte
	ends = append(append(ends, h.Src.AsSlice()...), h.Dst.AsSlice()...)
	return sumOf(uint32(protocol)+uint32(n), ends)
}

func sumOf(sum uint32, b []byte) uint32 {
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	return sum
}

func checksum(sum uint32, b []byte) uint16 {
	sum = sumOf(sum, b)
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// header is an IP header above which n bytes follow; fragment is the field with offset and more-fragments flag of IPv4. nil when
// n is too much.
func (h IP) header(protocol byte, n int, fragment uint16) []byte {
	if h.Src.Is4() {
		if 20+n > 0xffff {
			return nil
		}
		if h.DontFragment {
			fragment |= 0x4000
		}
		b := []byte{0x45, 0}
		b = binary.BigEndian.AppendUint16(b, uint16(20+n))
		b = binary.BigEndian.AppendUint16(b, h.ID)
		b = binary.BigEndian.AppendUint16(b, fragment)
		b = append(b, h.TTL, protocol, 0, 0)
		b = append(append(b, h.Src.AsSlice()...), h.Dst.AsSlice()...)
		binary.BigEndian.PutUint16(b[10:], checksum(0, b))
		return b
	}
	if n > 0xffff {
		return nil
	}
	b := []byte{0x60, 0, 0, 0}
	b = binary.BigEndian.AppendUint16(b, uint16(n))
	b = append(b, protocol, h.TTL)
	return append(append(b, h.Src.AsSlice()...), h.Dst.AsSlice()...)
}
