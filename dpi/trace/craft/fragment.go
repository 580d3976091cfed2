package craft

import "encoding/binary"

// Body gives what an IP packet of this package carries: all behind its header, which Fragment cuts.
func Body(data []byte) []byte {
	if data[0]>>4 == 4 {
		return data[20:]
	}
	return data[40:]
}

// Fragment gives the IP fragment with the bytes from to to of what a packet carries; from, and to unless it is the end, are
// multiples of 8. The header is that of data with another TTL, and "don't fragment" cleared; in IPv6, id is the fragment
// header's.
func Fragment(data []byte, from, to int, ttl uint8, id uint16) []byte {
	body := Body(data)
	more := to < len(body)
	if data[0]>>4 == 4 {
		out := append([]byte(nil), data[:20]...)
		binary.BigEndian.PutUint16(out[2:], uint16(20+to-from))
		field := uint16(from / 8)
		if more {
			field |= 0x2000
		}
		binary.BigEndian.PutUint16(out[6:], field)
		out[8], out[10], out[11] = ttl, 0, 0
		binary.BigEndian.PutUint16(out[10:], checksum(0, out))
		return append(out, body[from:to]...)
	}
	out := append([]byte(nil), data[:40]...)
	binary.BigEndian.PutUint16(out[4:], uint16(8+to-from))
	field := uint16(from)
	if more {
		field |= 1
	}
	out[7] = ttl
	out = append(out, out[6], 0)
	out[6] = 44
	out = binary.BigEndian.AppendUint16(out, field)
	out = binary.BigEndian.AppendUint32(out, uint32(id))
	return append(out, body[from:to]...)
}
