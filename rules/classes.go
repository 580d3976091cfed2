package rules

import (
	"encoding/binary"
	"slices"
)

// classes numbers sets of atoms. An atom is what a condition can ask for by one word: a list, or a pattern or prefix that is
// written in a rule. Class 0 is the empty set.
type classes struct {
	members [][]uint32 // sorted, of each class
	numbers map[string]uint32
	unions  map[[2]uint32]uint32
}

func newClasses() *classes {
	return &classes{members: [][]uint32{nil}, numbers: map[string]uint32{"": 0}, unions: map[[2]uint32]uint32{}}
}

func (c *classes) number(set []uint32) uint32 {
	k := make([]byte, 0, 4*len(set))
	for _, atom := range set {
		k = binary.LittleEndian.AppendUint32(k, atom)
	}
	if n, ok := c.numbers[string(k)]; ok {
		return n
	}
	n := uint32(len(c.members))
	c.members = append(c.members, set)
	c.numbers[string(k)] = n
	return n
}

// single gives the class of one atom alone.
func (c *classes) single(atom uint32) uint32 { return c.number([]uint32{atom}) }

// union gives the class of what is in a or in b.
func (c *classes) union(a, b uint32) uint32 {
	switch {
	case a == b || b == 0:
		return a
	case a == 0:
		return b
	}
	if n, ok := c.unions[[2]uint32{a, b}]; ok {
		return n
	}
	set := slices.Concat(c.members[a], c.members[b])
	slices.Sort(set)
	n := c.number(slices.Clip(slices.Compact(set)))
	c.unions[[2]uint32{a, b}] = n
	return n
}

// forget drops what only building needs.
func (c *classes) forget() { c.numbers, c.unions = nil, nil }
