package packet

import "encoding/binary"

// Field offsets and sizes of the IPv6 header (RFC 8200, section 3).
const (
	ipv6Len    = 40
	ipv6Length = 4
	ipv6Next   = 6
	ipv6Hops   = 7
	ipv6Src    = 8
	ipv6Dst    = 24
)

// The extension headers that are skipped (RFC 8200, section 4; RFC 4302).
const (
	extHopByHop    = 0
	extRouting     = 43
	extFragment    = 44
	extAH          = 51
	extDestination = 60
)

// maxExtensions bounds the chain. RFC 8200 needs at most six; a longer one is an attack or a test.
const maxExtensions = 8

func (p *Packet) decodeIPv6(data []byte, length int) error {
	if len(data) < ipv6Len {
		return ErrTruncated
	}
	total := ipv6Len + int(binary.BigEndian.Uint16(data[ipv6Length:]))
	if total > length {
		return ErrTruncated
	}
	p.Data, p.Length = data[:min(total, len(data))], total
	p.Version = 6
	p.TTL = data[ipv6Hops]
	p.Src = [16]byte(data[ipv6Src:])
	p.Dst = [16]byte(data[ipv6Dst:])
	p.pseudoDst = ipv6Dst
	return p.skipExtensions(data[ipv6Next])
}

// skipExtensions walks to the first header that is no extension, or to the content of a later fragment.
func (p *Packet) skipExtensions(next uint8) error {
	at := ipv6Len
	for range maxExtensions {
		if !isExtension(next) {
			p.Protocol, p.Transport = next, at
			return nil
		}
		rest := p.Data[at:]
		if len(rest) < 8 {
			return ErrTruncated
		}
		size := extensionLen(next, rest)
		if size > len(rest) {
			return ErrTruncated
		}
		if size < 8 {
			return ErrExtensions
		}
		switch next {
		case extRouting:
			p.noteFinalDst(at, size)
		case extFragment:
			p.fragmentHeader = at
			word := binary.BigEndian.Uint16(rest[2:])
			p.FragID = binary.BigEndian.Uint32(rest[4:])
			p.setFragment(int(word&^7), word&1 != 0)
		}
		next = rest[0]
		at += size
		if p.FragOffset != 0 {
			p.Protocol, p.Transport = next, at
			return nil
		}
	}
	if isExtension(next) {
		return ErrExtensions
	}
	p.Protocol, p.Transport = next, at
	return nil
}

func isExtension(next uint8) bool {
	switch next {
	case extHopByHop, extRouting, extFragment, extAH, extDestination:
		return true
	}
	return false
}

func extensionLen(next uint8, header []byte) int {
	switch next {
	case extFragment:
		return 8
	case extAH:
		return (int(header[1]) + 2) * 4
	}
	return (int(header[1]) + 1) * 8
}

// noteFinalDst finds the last stop of a routing header that is not used up: the transport checksum covers that
// address, not the one in the IPv6 header (RFC 8200, section 8.1; segment routing, type 4, lists it first, RFC 8754).
func (p *Packet) noteFinalDst(at, size int) {
	kind, left := p.Data[at+2], p.Data[at+3]
	if left == 0 || size < 24 {
		return
	}
	switch kind {
	case 0, 2:
		p.pseudoDst = at + size - 16
	case 4:
		p.pseudoDst = at + 8
	}
}
