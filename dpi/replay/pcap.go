package replay

import (
	"encoding/binary"
	"io"
)

// The magic numbers of pcap: microseconds, nanoseconds, and a variant of old Linux distributions whose record headers are longer.
const (
	magicMicro    = 0xa1b2c3d4
	magicNano     = 0xa1b23c4d
	magicModified = 0xa1b2cd34

	pcapHeader     = 24
	pcapRecord     = 16
	modifiedRecord = 24
)

// pcapSource reads pcap (draft-ietf-opsawg-pcap).
type pcapSource struct {
	in     *input
	order  byteOrder
	header []byte // of the file
	nano   bool
	record int // bytes of a record's header
	faces  []face
	number uint64
}

func openPcap(in *input, magic []byte) (source, error) {
	s := &pcapSource{in: in, order: binary.LittleEndian, record: pcapRecord}
	number := s.order.Uint32(magic)
	if byte(number>>24) != 0xa1 {
		s.order = binary.BigEndian
		number = s.order.Uint32(magic)
	}
	units := uint64(1e6)
	switch number {
	case magicMicro:
	case magicNano:
		s.nano, units = true, 1e9
	case magicModified:
		s.record = modifiedRecord
	default:
		return nil, ErrUnknown
	}
	in.start()
	if err := in.more(pcapHeader); err != nil {
		return nil, in.short(1, err, "the header of the file")
	}
	s.header = append([]byte(nil), in.buf...)
	// The high bits of the link type say whether frames have a check sequence (draft-ietf-opsawg-pcap, section 4).
	s.faces = []face{{link: s.order.Uint32(in.buf[20:]) & 0xffff, units: units, snap: s.order.Uint32(in.buf[16:])}}
	return s, nil
}

func (s *pcapSource) interfaces() []face { return s.faces }

func (s *pcapSource) format() string { return "pcap" }

func (s *pcapSource) next(r *record) error {
	in := s.in
	in.start()
	if err := in.more(s.record); err != nil {
		if err == io.EOF && len(in.buf) == 0 {
			return io.EOF
		}
		return in.short(s.number+1, err, "the header of a packet")
	}
	captured, length := s.order.Uint32(in.buf[8:]), s.order.Uint32(in.buf[12:])
	if captured > maxFrame {
		return in.broken(s.number+1, "it claims to have %d bytes, more than %d", captured, maxFrame)
	}
	if err := in.more(int(captured)); err != nil {
		return in.short(s.number+1, err, "a packet")
	}
	s.number++
	seconds, part := s.order.Uint32(in.buf), s.order.Uint32(in.buf[4:])
	stamp := uint64(seconds)*s.faces[0].units + uint64(part)
	*r = record{
		packet: true, number: s.number, timed: true, stamp: stamp, time: s.faces[0].nanos(stamp),
		frame: in.buf[s.record:], length: int(max(captured, min(length, maxFrame))), raw: in.buf,
	}
	return nil
}
