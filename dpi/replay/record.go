package replay

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
)

// record is a packet of a capture, or another block of it. Its slices are valid until the next one is read.
type record struct {
	packet bool   // otherwise only raw is valid
	number uint64 // of the packet in the file, from 1
	face   int    // index of its interface
	timed  bool   // it has a timestamp
	stamp  uint64 // as the file has it, in the interface's units
	time   int64  // in nanoseconds since 1970
	frame  []byte // as much as was captured, from the link header on
	length int    // bytes that it had on the wire
	raw    []byte // the whole record, as the file has it
	extra  []byte // pcapng: its options, without the end
}

// byteOrder is one of the two of package binary.
type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// face is an interface of a capture.
type face struct {
	link   uint32
	units  uint64 // of a timestamp, a second
	offset int64  // seconds that timestamps lack
	snap   uint32 // 0: none
	name   string // "" where the file has none
}

// nanos gives a timestamp in nanoseconds since 1970; what does not fit is cut to what does.
func (f *face) nanos(stamp uint64) int64 {
	seconds, rest := stamp/f.units, stamp%f.units
	hi, lo := bits.Mul64(rest, 1e9)
	part, _ := bits.Div64(hi, lo, f.units)
	const most = math.MaxInt64/1_000_000_000 - 1
	if seconds > most || f.offset > most {
		return math.MaxInt64
	}
	if s := int64(seconds) + max(f.offset, -most); s <= most {
		return s*1e9 + int64(part)
	}
	return math.MaxInt64
}

// stamps is the reverse of nanos.
func (f *face) stamps(nanos int64) uint64 {
	seconds, part := nanos/1e9, nanos%1e9
	if part < 0 {
		seconds, part = seconds-1, part+1e9
	}
	seconds -= f.offset
	if seconds < 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(part), f.units)
	q, _ := bits.Div64(hi, lo, 1e9)
	return uint64(seconds)*f.units + q
}

// source reads a capture record by record.
type source interface {
	// next gives io.EOF after the last record, and a *BrokenError where the file makes no sense.
	next(r *record) error
	// interfaces gives those known so far.
	interfaces() []face
	format() string
}

// The largest that is believed: a packet on a wire has 64 KB, one that a card is to cut up to 512 KB; a block may hold keys or names.
const (
	maxFrame = 1 << 20
	maxBlock = 1 << 24
)

// The errors about what is no capture that can be read.
var (
	ErrEmpty   = errors.New("the file is empty: not even the header of a capture is there")
	ErrGzip    = errors.New("the file is compressed: unpack it first (gunzip)")
	ErrUnknown = errors.New("neither pcap nor pcapng: the first bytes are those of another kind of file")
)

// BrokenError is a capture that makes no sense from some byte on. What came before has been done.
type BrokenError struct {
	Packet uint64 // that could not be read, from 1
	Offset int64  // of its record, in bytes from the start of the file
	Text   string
}

func (e *BrokenError) Error() string {
	return fmt.Sprintf("the capture is broken at packet %d (byte %d): %s", e.Packet, e.Offset, e.Text)
}

// open tells the format by the first bytes.
func open(r io.Reader) (source, error) {
	in := &input{r: bufio.NewReaderSize(r, 1<<16)}
	magic, err := in.r.Peek(4)
	switch {
	case len(magic) == 0 && (err == nil || errors.Is(err, io.EOF)):
		return nil, ErrEmpty
	case err != nil && !errors.Is(err, io.EOF):
		return nil, err
	case len(magic) >= 2 && magic[0] == 0x1f && magic[1] == 0x8b:
		return nil, ErrGzip
	case len(magic) < 4:
		return nil, ErrUnknown
	case binary.BigEndian.Uint32(magic) == blockSection:
		s := &ngSource{in: in}
		return s, s.begin()
	}
	return openPcap(in, magic)
}

// input reads records into one buffer, and knows where it is.
type input struct {
	r   *bufio.Reader
	buf []byte
	at  int64 // offset of the record in buf
	end int64 // offset behind it
}

// start begins a record.
func (in *input) start() { in.buf, in.at = in.buf[:0], in.end }

// more adds n bytes to the record. It takes memory for what is there, not for what a broken file claims.
func (in *input) more(n int) error {
	for n > 0 {
		step := min(n, 1<<16)
		have := len(in.buf)
		if cap(in.buf)-have < step {
			in.buf = append(in.buf[:have], make([]byte, step)...)
		}
		in.buf = in.buf[:have+step]
		got, err := io.ReadFull(in.r, in.buf[have:])
		in.buf = in.buf[:have+got]
		in.end += int64(got)
		if err != nil {
			return err
		}
		n -= step
	}
	return nil
}

// broken is the error of a record that cannot be read.
func (in *input) broken(packet uint64, format string, args ...any) error {
	return &BrokenError{Packet: packet, Offset: in.at, Text: fmt.Sprintf(format, args...)}
}

// short is the error of a record that ends too early, or of the reader.
func (in *input) short(packet uint64, err error, what string) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return in.broken(packet, "the file ends within %s, %d bytes into the record", what, len(in.buf))
	}
	return err
}
