package replay

import (
	"bufio"
	"encoding/binary"
	"io"
)

// output writes a capture. The zero value writes nothing.
type output struct {
	w     *bufio.Writer
	ng    bool
	order byteOrder
	from  source
	same  bool // the format is that of the source: what is not touched is copied
	err   error
	buf   []byte
}

// newOutput begins a capture in the format of from, or in pcapng.
func newOutput(w io.Writer, from source, ng bool) *output {
	if w == nil {
		return &output{}
	}
	o := &output{w: bufio.NewWriterSize(w, 1<<16), from: from, order: binary.LittleEndian, ng: true, same: true}
	s, ok := from.(*pcapSource)
	switch {
	case !ok:
	case ng:
		o.same = false
		o.convert(s)
	default:
		o.ng, o.order = false, s.order
		o.write(s.header)
	}
	return o
}

func (o *output) write(b []byte) {
	if o.err == nil {
		_, o.err = o.w.Write(b)
	}
}

// finish writes out what is left.
func (o *output) finish() error {
	if o.w != nil && o.err == nil {
		o.err = o.w.Flush()
	}
	return o.err
}

// other copies what is no packet.
func (o *output) other(r *record) {
	if o.w == nil {
		return
	}
	if s, ok := o.from.(*ngSource); ok {
		o.order = s.order
	}
	o.write(r.raw)
}

// outgoing is a packet that leaves.
type outgoing struct {
	face     int
	stamp    uint64
	frame    []byte
	length   int
	extra    []byte // options that it had
	comments []string
}

// untouched copies a packet; comments need a format that has them.
func (o *output) untouched(r *record, comments []string) {
	switch {
	case o.w == nil:
	case o.same && (!o.ng || len(comments) == 0):
		o.write(r.raw)
	default:
		o.put(outgoing{r.face, r.stamp, r.frame, r.length, r.extra, comments})
	}
}

func (o *output) put(p outgoing) {
	if o.w == nil {
		return
	}
	o.buf = o.buf[:0]
	if o.ng {
		o.putBlock(p)
	} else {
		o.putRecord(p)
	}
	o.write(o.buf)
}

func (o *output) u32(v uint32) { o.buf = o.order.AppendUint32(o.buf, v) }

func (o *output) u16(v uint16) { o.buf = o.order.AppendUint16(o.buf, v) }

// putRecord writes a packet in the form of pcap.
func (o *output) putRecord(p outgoing) {
	s := o.from.(*pcapSource)
	units := s.faces[0].units
	o.u32(uint32(p.stamp / units))
	o.u32(uint32(p.stamp % units))
	o.u32(uint32(len(p.frame)))
	o.u32(uint32(p.length))
	for range s.record - pcapRecord {
		o.buf = append(o.buf, 0)
	}
	o.buf = append(o.buf, p.frame...)
}

// putBlock writes a packet in the form of pcapng.
func (o *output) putBlock(p outgoing) {
	o.u32(blockPacket)
	o.u32(0)
	o.u32(uint32(p.face))
	o.u32(uint32(p.stamp >> 32))
	o.u32(uint32(p.stamp))
	o.u32(uint32(len(p.frame)))
	o.u32(uint32(p.length))
	o.buf = append(o.buf, p.frame...)
	o.pad()
	o.buf = append(o.buf, p.extra...)
	for _, c := range p.comments {
		o.option(optionComment, []byte(c))
	}
	if len(p.extra) > 0 || len(p.comments) > 0 {
		o.u32(optionEnd)
	}
	o.seal()
}

func (o *output) option(code uint16, value []byte) {
	value = value[:min(len(value), 0xfffc)]
	o.u16(code)
	o.u16(uint16(len(value)))
	o.buf = append(o.buf, value...)
	o.pad()
}

func (o *output) pad() {
	for len(o.buf)%4 != 0 {
		o.buf = append(o.buf, 0)
	}
}

// seal writes the length of a block at both its ends.
func (o *output) seal() {
	n := uint32(len(o.buf) + 4)
	o.u32(n)
	o.order.PutUint32(o.buf[4:], n)
}

// convert writes the head of a pcapng file that is to hold the packets of a pcap file.
func (o *output) convert(s *pcapSource) {
	o.buf = o.buf[:0]
	o.u32(blockSection)
	o.u32(0)
	o.u32(sectionOrder)
	o.u32(1) // version 1.0
	o.u32(0xffffffff)
	o.u32(0xffffffff)
	o.seal()
	o.write(o.buf)
	o.buf = o.buf[:0]
	o.u32(blockInterface)
	o.u32(0)
	o.u16(uint16(s.faces[0].link))
	o.u16(0)
	o.u32(s.faces[0].snap)
	if s.nano {
		o.option(optionResolution, []byte{9})
	} else {
		o.option(optionResolution, []byte{6})
	}
	o.u32(optionEnd)
	o.seal()
	o.write(o.buf)
}
