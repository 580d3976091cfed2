package replay

import (
	"encoding/binary"
	"fmt"
	"slices"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

// Checksums says what the box is to see of checksums. What comes out has them as they were in the file.
type Checksums uint8

// ChecksumsAuto finishes those of a direction where most are wrong, as they are on the machine that sent the packets and left checksums
// to its network card: where those show the sum of the pseudo header, these alone, so that a checksum which a tool made wrong stays
// wrong; otherwise all. ChecksumsAsIs leaves all as they are, ChecksumsFixed makes all right.
const (
	ChecksumsAuto Checksums = iota
	ChecksumsAsIs
	ChecksumsFixed
)

var checksumNames = []string{"auto", "as-is", "fixed"}

// String gives the word of the command line.
func (c Checksums) String() string { return checksumNames[c] }

// ParseChecksums reads what String gives.
func ParseChecksums(s string) (Checksums, error) {
	if i := slices.Index(checksumNames, s); i >= 0 {
		return Checksums(i), nil
	}
	return 0, fmt.Errorf("--checksums: found %q, expected auto, as-is or fixed", s)
}

// repair is what is done to the checksums of one direction.
type repair uint8

const (
	repairNone repair = iota
	repairUnfinished
	repairAll
)

// sums counts checksums of one direction.
type sums struct{ checked, wrong, unfinished int }

// add looks at one packet.
func (s *sums) add(p *packet.Packet) {
	if !p.HasTransport || p.Fragment {
		return
	}
	s.checked++
	if p.ChecksumOK() {
		return
	}
	s.wrong++
	if p.Unfinished() {
		s.unfinished++
	}
}

// repair decides for ChecksumsAuto.
func (s *sums) repair() repair {
	switch {
	case s.wrong*2 <= s.checked:
		return repairNone
	case s.unfinished*2 >= s.wrong:
		return repairUnfinished
	}
	return repairAll
}

// longest is what IP can state.
const longest = 0xffff

// prepare copies an IP packet to where the box may change it: with zeros for what the capture cut off, and with the length that a card was
// to fill in. cut tells whether anything is missing.
func prepare(dst, ip []byte, missing int) (data []byte, cut bool) {
	data = append(dst[:0], ip...)
	total := 0
	switch {
	case ip[0]>>4 == 4 && len(ip) >= 20:
		total = int(binary.BigEndian.Uint16(ip[2:]))
		if total == 0 && ip[9] == packet.TCP && len(ip) <= longest {
			total = len(ip) + min(missing, longest-len(ip))
			binary.BigEndian.PutUint16(data[2:], uint16(total))
			sealHeader(data)
		}
	case ip[0]>>4 == 6 && len(ip) >= 40:
		total = 40 + int(binary.BigEndian.Uint16(ip[4:]))
	}
	if total > len(ip) && total <= len(ip)+missing {
		return append(data, make([]byte, total-len(ip))...), true
	}
	return data, missing > 0 && total == 0
}

// sealHeader makes the checksum of an IPv4 header right whose length was filled in.
func sealHeader(data []byte) {
	n := int(data[0]&15) * 4
	if n < 20 || n > len(data) {
		return
	}
	sum := uint32(0)
	data[10], data[11] = 0, 0
	for i := 0; i < n; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(data[i:]))
	}
	sum = sum>>16 + sum&0xffff
	sum += sum >> 16
	binary.BigEndian.PutUint16(data[10:], ^uint16(sum))
}

// mend repairs the checksums of a decoded packet, and tells whether it did.
func mend(p *packet.Packet, r repair, cut bool) bool {
	switch {
	case cut || r == repairAll:
	case r == repairUnfinished && p.Unfinished():
	default:
		return false
	}
	if p.ChecksumOK() {
		return false
	}
	p.Seal()
	return true
}

// sideIndex gives a place in a pair, up and down.
func sideIndex(d rules.Direction) int {
	if d == rules.Up {
		return 0
	}
	return 1
}
