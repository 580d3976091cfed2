package packet

import "encoding/binary"

// SetTTL puts ttl in place of the TTL or hop limit and updates the checksum of IPv4 from the difference (RFC 1624). Valid after a
// nil error of Decode.
func (p *Packet) SetTTL(ttl uint8) {
	if p.Version == 6 {
		p.Data[ipv6Hops], p.TTL = ttl, ttl
		return
	}
	pair := p.Data[ipv4TTL : ipv4TTL+2]
	field := p.Data[ipv4Checksum:]
	binary.BigEndian.PutUint16(field, update(binary.BigEndian.Uint16(field), pair, []byte{ttl, pair[1]}))
	p.Data[ipv4TTL], p.TTL = ttl, ttl
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
		binary.BigEndian.PutUint16(data[ipv4Checksum:], 0)
		binary.BigEndian.PutUint16(data[ipv4Checksum:], ^fold(sum(0, data[:headers])))
		return data
	}
	binary.BigEndian.PutUint16(data[ipv6Length:], uint16(len(data)-ipv6Len))
	if p.Decode(data) != ErrVersion && p.fragmentHeader != 0 {
		data[p.fragmentHeader+2], data[p.fragmentHeader+3] = 0, 0
	}
	return data
}
