package inspect

import "encoding/binary"

const (
	dnsHeader = 12
	maxLabel  = 63
)

// DNSQuery reads a DNS query as UDP carries it (RFC 1035, section 4.1; for TCP, cut off the length first): a standard
// query of exactly one question and no answers. name goes into buf, lower-case and without the trailing dot, and is empty
// for the root; with 255 bytes of capacity in buf nothing is allocated. What follows the question (EDNS) is not looked
// at. Names with a dot inside a label, and compressed names, are refused: no resolver asks for them.
func DNSQuery(payload []byte, buf []byte) (name []byte, qtype uint16, ok bool) {
	if len(payload) < dnsHeader {
		return nil, 0, false
	}
	flags := binary.BigEndian.Uint16(payload[2:])
	questions, answers := binary.BigEndian.Uint16(payload[4:]), binary.BigEndian.Uint32(payload[6:])
	if flags&0xf800 != 0 || questions != 1 || answers != 0 { // QR and opcode; answers and authorities
		return nil, 0, false
	}
	name, rest, ok := dnsName(payload[dnsHeader:], buf[:0])
	if !ok || len(rest) < 4 { // type and class
		return nil, 0, false
	}
	return name, binary.BigEndian.Uint16(rest), true
}

func dnsName(b, name []byte) (_, rest []byte, ok bool) {
	for total := 1; len(b) > 0; {
		n := int(b[0])
		if n == 0 {
			return name, b[1:], true
		}
		total += n + 1
		if n > maxLabel || n >= len(b) || total > maxName {
			return nil, nil, false
		}
		if len(name) > 0 {
			name = append(name, '.')
		}
		for _, c := range b[1 : n+1] {
			if c == '.' {
				return nil, nil, false
			}
			name = append(name, lower(c))
		}
		b = b[n+1:]
	}
	return nil, nil, false
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
