package matrix

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"dpilab/dpi"
	"dpilab/dpi/packet"
)

// mtu is that of a lab's links.
const mtu = 1500

// beforeBoxes reads what came to the boxes: what went up on the client's side, and down on the other, as a box sees it: cut to the size
// of the link, and with checksums that are finished.
func beforeBoxes(dir string, v *view) (all []*seen, notes []string, err error) {
	read := func(face string, up bool) error {
		_, link, _ := strings.Cut(face, "/")
		some, err := readSeen(filepath.Join(dir, link+".pcapng"), face, v.inside)
		for _, s := range some {
			if s.up == up {
				all = append(all, s)
			}
		}
		return err
	}
	if err := read(v.inner, true); err != nil {
		return nil, nil, err
	}
	if err := read(v.outer, false); err != nil {
		return nil, nil, err
	}
	slices.SortStableFunc(all, func(a, b *seen) int { return a.at.Compare(b.at) })
	sizes := datagramSizes(all)
	var cut []*seen
	datagrams := 0
	for _, s := range all {
		pieces := cutToSize(s, sizes)
		if len(pieces) > 1 && !s.tcp() {
			datagrams++
		}
		cut = append(cut, pieces...)
	}
	if datagrams > 0 {
		notes = append(notes, fmt.Sprintf("%s left the host in one for its card to cut; they are cut here to the size of the flow's others", plural(datagrams, "row of datagrams", "rows of datagrams")))
	}
	return cut, notes, nil
}

// way is one direction of a flow.
type way struct {
	flow dpi.FlowID
	up   bool
}

// datagramSizes gives the largest payload of each flow's datagrams that fit the link.
func datagramSizes(all []*seen) map[way]int {
	sizes := map[way]int{}
	for _, s := range all {
		if s.HasTransport && s.Protocol == packet.UDP && s.Length <= mtu {
			w := way{s.flow(), s.up}
			sizes[w] = max(sizes[w], len(s.Payload))
		}
	}
	return sizes
}

// cutToSize gives the packets that the card makes of one, all of them with finished checksums.
func cutToSize(s *seen, sizes map[way]int) []*seen {
	if !s.HasTransport || s.Fragment {
		return []*seen{s}
	}
	headers := len(s.Data) - len(s.Payload)
	size := mtu - headers
	if s.Protocol == packet.UDP {
		if n := sizes[way{s.flow(), s.up}]; n > 0 {
			size = n
		}
	}
	if s.Length <= mtu || size <= 0 || headers <= s.Transport {
		if s.Unfinished() {
			s.Seal()
		}
		return []*seen{s}
	}
	var pieces []*seen
	for from := 0; from < len(s.Payload); from += size {
		to := min(from+size, len(s.Payload))
		data := append(slices.Clone(s.Data[:headers]), s.Payload[from:to]...)
		relabel(s, data, from, to == len(s.Payload))
		if p := s.with(data); p != nil {
			p.Seal()
			pieces = append(pieces, p)
		}
	}
	return pieces
}

// relabel sets lengths, place and marks of a piece that has the headers of the whole.
func relabel(s *seen, data []byte, from int, last bool) {
	if s.Version == 4 {
		binary.BigEndian.PutUint16(data[2:], uint16(len(data)))
		binary.BigEndian.PutUint16(data[4:], s.IPID+uint16(from/mtu))
	} else {
		binary.BigEndian.PutUint16(data[4:], uint16(len(data)-40))
	}
	transport := data[s.Transport:]
	if s.Protocol == packet.UDP {
		binary.BigEndian.PutUint16(transport[4:], uint16(len(transport)))
		return
	}
	binary.BigEndian.PutUint32(transport[4:], s.Seq+uint32(from))
	if !last {
		transport[13] &^= packet.FIN | packet.PSH
	}
}
