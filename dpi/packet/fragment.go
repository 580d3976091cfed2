package packet

import "encoding/binary"

// SetTTL puts ttl in place of the TTL or hop limit and updates the checksum of IPv4 from the difference (RFC 1624), so that a wrong
// one stays wrong. Data begins with an IP header of either version, whole to its last fixed field.
func SetTTL(data []byte, ttl uint8) {
	if data[0]>>4 == 6 {
		data[ipv6Hops] = ttl
		return
	}
	pair := data[ipv4TTL : ipv4TTL+2]
	field := data[ipv4Checksum:]
	binary.BigEndian.PutUint16(field, update(binary.BigEndian.Uint16(field), pair, []byte{ttl, pair[1]}))
	data[ipv4TTL] = ttl
}

// SealHeader sets the checksum of an IPv4 header (RFC 791), which is all of header.
func SealHeader(header []byte) {
	binary.BigEndian.PutUint16(header[ipv4Checksum:], 0)
	binary.BigEndian.PutUint16(header[ipv4Checksum:], ^fold(sum(0, header)))
}

// Unfragment makes data, the IP headers of a packet's first fragment with all that the packet carries behind them, a packet
// that is whole, and gives it. The headers are so many bytes long and as Decode accepted them: of IPv4 the length, flags, offset and
// checksum are set, of IPv6 the length is, and the fragment header becomes atomic (RFC 6946). The result shares data's memory.
func Unfragment(data []byte, headers int) []byte {
	var p Packet
	if len(data) < headers || headers < ipv4Len || len(data) > 65535 {
		return data
	}
	if data[0]>>4 == 4 {
		binary.BigEndian.PutUint16(data[ipv4Total:], uint16(len(data)))
		binary.BigEndian.PutUint16(data[ipv4Fragment:], 0)
		SealHeader(data[:headers])
		return data
	}
	binary.BigEndian.PutUint16(data[ipv6Length:], uint16(len(data)-ipv6Len))
	if p.Decode(data) != ErrVersion && p.fragmentHeader != 0 {
		data[p.fragmentHeader+2], data[p.fragmentHeader+3] = 0, 0
	}
	return data
}
