package lists

import (
	"bytes"
	"errors"
	"net/netip"
	"slices"
	"strings"
)

// maxmind is a MaxMind DB (https://maxmind.github.io/MaxMind-DB/, format 2): a binary tree over addresses whose leaves point into a data
// section. It checks what it reads: a broken file is an error.
type maxmind struct {
	tree       []byte
	data       mmdbData
	nodes      uint32
	recordBits int // 24, 28 or 32
	six        bool
}

var errTree = errors.New("the search tree is broken")

// treeGap is between the tree and the data, in bytes.
const treeGap = 16

func openMaxmind(file []byte) (*maxmind, error) {
	marker := []byte("\xab\xcd\xefMaxMind.com")
	at := bytes.LastIndex(file, marker)
	if at < 0 {
		return nil, errors.New("is no MaxMind DB: it has no metadata")
	}
	meta := mmdbData(file[at+len(marker):])
	m := &maxmind{}
	var version uint64
	for key, value := range meta.entries(0) {
		n, _ := meta.number(value)
		switch string(key) {
		case "node_count":
			if n > 1<<31 {
				return nil, errTree
			}
			m.nodes = uint32(n)
		case "record_size":
			m.recordBits = int(min(n, 1<<10))
		case "ip_version":
			version = n
		}
	}
	if !slices.Contains([]int{24, 28, 32}, m.recordBits) || version != 4 && version != 6 {
		return nil, errors.New("has metadata that are broken, or of an unknown kind")
	}
	size := uint64(m.nodes) * uint64(m.recordBits) / 4
	if size+treeGap > uint64(at) || m.nodes == 0 {
		return nil, errTree
	}
	m.six = version == 6
	m.tree, m.data = file[:size], mmdbData(file[size+treeGap:at])
	return m, nil
}

// record is the left (0) or right (1) record of a node.
func (m *maxmind) record(node uint32, side int) uint32 {
	b := m.tree[int(node)*m.recordBits/4:]
	switch m.recordBits {
	case 24:
		b = b[side*3:]
		return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2])
	case 28:
		if side == 0 {
			return uint32(b[3]>>4)<<24 | uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2])
		}
		return uint32(b[3]&15)<<24 | uint32(b[4])<<16 | uint32(b[5])<<8 | uint32(b[6])
	}
	b = b[side*4:]
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

// walk gives every prefix with the place of its data. A node is visited once: databases show the IPv4 tree at several places of IPv6, and
// the first of them, ::/96, is the one that counts. Broken trees that go in circles end thereby.
func (m *maxmind) walk(yield func(netip.Prefix, uint32) bool) error {
	seen := make([]uint64, m.nodes/64+1)
	bits := 32
	if m.six {
		bits = 128
	}
	var address [16]byte
	more := true
	var down func(node uint32, depth int) error
	down = func(node uint32, depth int) error {
		if seen[node/64]>>(node%64)&1 != 0 {
			return nil
		}
		seen[node/64] |= 1 << (node % 64)
		for side := range 2 {
			if side == 1 {
				address[depth/8] |= 0x80 >> (depth % 8)
			}
			switch next := m.record(node, side); {
			case next == m.nodes || !more:
			case next > m.nodes:
				place := uint64(next) - uint64(m.nodes) - treeGap
				if place >= uint64(len(m.data)) {
					return errTree
				}
				more = yield(m.prefix(address, depth+1), uint32(place))
			case depth+1 == bits:
				return errTree
			default:
				if err := down(next, depth+1); err != nil {
					return err
				}
			}
		}
		address[depth/8] &^= 0x80 >> (depth % 8)
		return nil
	}
	return down(0, 0)
}

func (m *maxmind) prefix(address [16]byte, bits int) netip.Prefix {
	if !m.six {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte(address[:4])), bits)
	}
	if bits >= 96 && [12]byte(address[:12]) == [12]byte{} {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte(address[12:])), bits-96)
	}
	return netip.PrefixFrom(netip.AddrFrom16(address), bits)
}

// mmdb takes the prefixes of countries, or of autonomous systems.
func mmdb(s *source) {
	if len(s.im.Countries)+len(s.im.ASNs) == 0 {
		s.fail(s.im.place(s.name, 0, "is a MaxMind DB: choose with --country or --asn"))
		return
	}
	file, err := s.whole()
	if err != nil {
		s.fail(s.im.place(s.name, 0, "cannot read: %v", err))
		return
	}
	m, err := openMaxmind(file)
	if err != nil {
		s.fail(s.im.place(s.name, 0, "%v", err))
		return
	}
	before := s.im.Report.Read
	taken := map[uint32]bool{} // by the place of the data, which many prefixes share
	err = m.walk(func(p netip.Prefix, place uint32) bool {
		take, known := taken[place]
		if !known {
			take = s.wants(m.data.owner(place))
			taken[place] = take
		}
		if take {
			s.prefix(p)
		}
		return s.failed == nil
	})
	switch {
	case err != nil:
		s.fail(s.im.place(s.name, 0, "%v", err))
	case s.im.Report.Read == before:
		s.fail(s.im.place(s.name, 0, "has no prefix of those that --country and --asn ask for"))
	}
}

func (s *source) wants(country string, asn uint32) bool {
	return slices.Contains(s.im.ASNs, asn) && asn != 0 ||
		country != "" && slices.ContainsFunc(s.im.Countries, func(c string) bool { return strings.EqualFold(c, country) })
}
