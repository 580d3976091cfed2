package packet

import "encoding/binary"

// Field offsets and sizes of the IPv4 header (RFC 791, section 3.1).
const (
	ipv4Len       = 20
	ipv4Total     = 2
	ipv4Fragment  = 6
	ipv4TTL       = 8
	ipv4Protocol  = 9
	ipv4Checksum  = 10
	ipv4Src       = 12
	ipv4Dst       = 16
	moreFragments = 0x2000
	dontFragment  = 0x4000
	offsetMask    = 0x1fff
)

func (p *Packet) decodeIPv4(data []byte, length int) error {
	if len(data) < ipv4Len {
		return ErrTruncated
	}
	header, total := int(data[0]&15)*4, int(binary.BigEndian.Uint16(data[ipv4Total:]))
	if header < ipv4Len || total < header {
		return ErrHeader
	}
	if total > length || header > len(data) {
		return ErrTruncated
	}
	p.Data, p.Length = data[:min(total, len(data))], total
	p.Version = 4
	p.TTL = data[ipv4TTL]
	p.IPID = binary.BigEndian.Uint16(data[4:])
	p.FragID = uint32(p.IPID)
	p.Protocol = data[ipv4Protocol]
	setMapped(&p.Src, data[ipv4Src:])
	setMapped(&p.Dst, data[ipv4Dst:])
	fragment := binary.BigEndian.Uint16(data[ipv4Fragment:])
	p.setFragment(int(fragment&offsetMask)*8, fragment&moreFragments != 0)
	p.Transport = header
	return nil
}

func (p *Packet) setFragment(offset int, more bool) {
	p.FragOffset, p.MoreFragments = offset, more
	p.Fragment = more || offset != 0
}

// setMapped writes an IPv4 address over a zero one, in one word: what is written in bytes, or copied, is slow to be read back as words.
func setMapped(to *[16]byte, a []byte) {
	binary.LittleEndian.PutUint64(to[8:], 0xffff0000|uint64(binary.LittleEndian.Uint32(a))<<32)
}
