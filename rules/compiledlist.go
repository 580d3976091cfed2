package rules

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"strings"
)

// A compiled list is a list of domains as it is in memory: a header, the starts and the entries of a nameTable, and the lines with stars,
// keywords and expressions as text. All numbers are little-endian.
//
//	 0  8 bytes   magic
//	 8  uint32    version
//	12  uint32    bytes of the header
//	16  32 bytes  SHA-256 of the text that it was made from
//	48  uint64    bytes of that text
//	56  uint64    names
//	64  uint64    their depths, as nameTable has them
//	72  uint64    buckets
//	80  uint64    bytes of the entries
//	88  uint64    bytes of the lines
//	96  uint32    CRC-32C of what is behind the header
//	100 uint32    CRC-32C of the header up to here
const (
	compiledMagic   = "\x7fdpilab\n"
	compiledVersion = 1
	compiledHeader  = 104
)

// textSum names a text.
type textSum struct {
	sum  [sha256.Size]byte
	size uint64
}

var (
	castagnoli   = crc32.MakeTable(crc32.Castagnoli)
	errNotSound  = errors.New("the compiled list is not sound")
	errOtherText = errors.New("the compiled list was made from another text")
)

// writeCompiled writes the compiled form of a list that was read from that text.
func (l *List) writeCompiled(to io.Writer, text textSum) error {
	var lines []byte
	for _, p := range l.patterns {
		lines = append(append(lines, p.String()...), '\n')
	}
	t := &l.suffixes
	h := make([]byte, 0, compiledHeader)
	h = append(h, compiledMagic...)
	h = binary.LittleEndian.AppendUint32(h, compiledVersion)
	h = binary.LittleEndian.AppendUint32(h, compiledHeader)
	h = append(h, text.sum[:]...)
	for _, v := range []uint64{text.size, uint64(t.count), t.depths, t.buckets, uint64(len(t.entries)), uint64(len(lines))} {
		h = binary.LittleEndian.AppendUint64(h, v)
	}
	crc := uint32(0)
	for _, part := range [][]byte{t.starts, t.entries, lines} {
		crc = crc32.Update(crc, castagnoli, part)
	}
	h = binary.LittleEndian.AppendUint32(h, crc)
	h = binary.LittleEndian.AppendUint32(h, crc32.Checksum(h, castagnoli))
	for _, part := range [][]byte{h, t.starts, t.entries, lines} {
		if _, err := to.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// compiledText gives the text that a header speaks of.
func compiledText(h []byte) (text textSum, err error) {
	if len(h) < compiledHeader || string(h[:8]) != compiledMagic || binary.LittleEndian.Uint32(h[8:]) != compiledVersion ||
		binary.LittleEndian.Uint32(h[12:]) != compiledHeader || binary.LittleEndian.Uint32(h[100:]) != crc32.Checksum(h[:100], castagnoli) {
		return text, errNotSound
	}
	copy(text.sum[:], h[16:])
	text.size = binary.LittleEndian.Uint64(h[48:])
	return text, nil
}

// readCompiled fills the list with what is in data, which it keeps. It believes nothing: any bytes are refused, or give a list that can be
// used like all others.
func (l *List) readCompiled(data []byte, text textSum) error {
	switch made, err := compiledText(data); {
	case err != nil:
		return err
	case made != text:
		return errOtherText
	}
	var sizes [5]uint64 // names, depths, buckets, entries, lines
	for i := range sizes {
		sizes[i] = binary.LittleEndian.Uint64(data[56+8*i:])
	}
	body := data[compiledHeader:]
	count, buckets, entries, lines, size := sizes[0], sizes[2], sizes[3], sizes[4], uint64(len(body))
	if count > size || buckets == 0 || buckets > size/startBytes || entries > size || lines > size || (buckets+1)*startBytes+entries+lines != size ||
		crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(data[96:]) {
		return errNotSound
	}
	starts := (buckets + 1) * startBytes
	t := nameTable{width: 1, starts: body[:starts:starts], entries: body[starts : starts+entries : starts+entries], buckets: buckets,
		depths: sizes[1], count: int(count)}
	if !t.sound() {
		return errNotSound
	}
	var patterns []pattern
	for line := range bytes.Lines(body[starts+entries:]) {
		p, err := parsePattern(strings.TrimSuffix(string(line), "\n"))
		if err != nil || p.form < formEnds {
			return errNotSound
		}
		patterns = append(patterns, p)
	}
	l.domains, l.suffixes, l.patterns = true, t, patterns
	return nil
}

// sound tells whether the buckets lie one behind the other, filled with entries of a list.
func (t *nameTable) sound() bool {
	at, count := 0, 0
	for bucket := range t.buckets {
		end := int(t.start(bucket + 1))
		if int(t.start(bucket)) != at || end < at || end > len(t.entries) {
			return false
		}
		for ; at < end; count++ {
			if at+t.width+entryName > end || t.entries[at] == 0 || t.entries[at] > hitsSelf|hitsUnder || t.entries[at+t.width+entryLength] > maxName {
				return false
			}
			at = t.next(at)
		}
		if at != end {
			return false
		}
	}
	return at == len(t.entries) && count == t.count
}
