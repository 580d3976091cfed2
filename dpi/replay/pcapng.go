package replay

import (
	"encoding/binary"
	"io"
	"math"
)

// Blocks and options of pcapng (draft-ietf-opsawg-pcapng).
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockOld       = 2 // the obsolete packet block
	blockSimple    = 3
	blockPacket    = 6

	sectionOrder = 0x1a2b3c4d

	optionEnd        = 0
	optionComment    = 1
	optionName       = 2
	optionResolution = 9
	optionOffset     = 14

	blockFrame = 12 // type, length, and the length again at the end
)

// ngSource reads pcapng.
type ngSource struct {
	in       *input
	order    byteOrder
	faces    []face // of the section
	sections int
	number   uint64
	first    []byte // the section header that begin has read
}

// begin reads the first section's header.
func (s *ngSource) begin() error {
	var r record
	if err := s.next(&r); err != nil {
		return err
	}
	s.first = append([]byte(nil), r.raw...)
	return nil
}

func (s *ngSource) interfaces() []face { return s.faces }

func (s *ngSource) format() string { return "pcapng" }

func (s *ngSource) next(r *record) error {
	if s.first != nil {
		*r = record{raw: s.first}
		s.first = nil
		return nil
	}
	in := s.in
	in.start()
	if err := in.more(8); err != nil {
		if err == io.EOF && len(in.buf) == 0 {
			return io.EOF
		}
		return in.short(s.number+1, err, "the header of a block")
	}
	section := binary.BigEndian.Uint32(in.buf) == blockSection
	if section {
		if err := s.section(); err != nil {
			return err
		}
	}
	kind, length := s.order.Uint32(in.buf), s.order.Uint32(in.buf[4:])
	if length < blockFrame || length%4 != 0 || length > maxBlock {
		return in.broken(s.number+1, "a block claims to have %d bytes", length)
	}
	if err := in.more(int(length) - len(in.buf)); err != nil {
		return in.short(s.number+1, err, "a block")
	}
	if end := s.order.Uint32(in.buf[length-4:]); end != length {
		return in.broken(s.number+1, "a block has %d bytes by its head and %d by its end", length, end)
	}
	*r = record{raw: in.buf}
	body := in.buf[8 : length-4]
	switch {
	case section:
		return nil
	case kind == blockInterface:
		return s.addInterface(body)
	case kind == blockPacket, kind == blockOld, kind == blockSimple:
		return s.packet(r, kind, body)
	}
	return nil
}

// section reads the byte order of a section that begins: its block's length cannot be read without.
func (s *ngSource) section() error {
	in := s.in
	if err := in.more(4); err != nil {
		return in.short(s.number+1, err, "the header of a section")
	}
	switch {
	case binary.LittleEndian.Uint32(in.buf[8:]) == sectionOrder:
		s.order = binary.LittleEndian
	case binary.BigEndian.Uint32(in.buf[8:]) == sectionOrder:
		s.order = binary.BigEndian
	default:
		return in.broken(s.number+1, "a section has no byte order")
	}
	if n := s.order.Uint32(in.buf[4:]); n < 28 {
		return in.broken(s.number+1, "the header of a section claims to have %d bytes", n)
	}
	s.faces = nil
	s.sections++
	return nil
}

func (s *ngSource) addInterface(body []byte) error {
	if len(body) < 8 || len(s.faces) >= math.MaxUint16 {
		return s.in.broken(s.number+1, "an interface has %d bytes", len(body))
	}
	f := face{link: uint32(s.order.Uint16(body)), snap: s.order.Uint32(body[4:]), units: 1e6}
	eachOption(s.order, body[8:], func(code uint16, value []byte) {
		switch {
		case code == optionName:
			f.name = printable(string(value))
		case code == optionResolution && len(value) == 1:
			f.units = resolution(value[0])
		case code == optionOffset && len(value) == 8:
			f.offset = int64(s.order.Uint64(value))
		}
	})
	if f.units == 0 {
		return s.in.broken(s.number+1, "an interface has a resolution of timestamps that no clock has")
	}
	s.faces = append(s.faces, f)
	return nil
}

// resolution gives the units a second; 0 when they do not fit.
func resolution(b byte) uint64 {
	n, base := int(b&0x7f), uint64(10)
	if b&0x80 != 0 {
		base = 2
	}
	units := uint64(1)
	for range n {
		if units > math.MaxInt64/base {
			return 0
		}
		units *= base
	}
	return units
}

// eachOption calls do for every option before the end, and gives the bytes that they take.
func eachOption(order byteOrder, b []byte, do func(code uint16, value []byte)) int {
	at := 0
	for len(b)-at >= 4 {
		code, n := order.Uint16(b[at:]), int(order.Uint16(b[at+2:]))
		padded := (n + 3) &^ 3
		if code == optionEnd || 4+padded > len(b)-at {
			break
		}
		do(code, b[at+4:at+4+n])
		at += 4 + padded
	}
	return at
}
