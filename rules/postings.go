package rules

import (
	"maps"
	"math/bits"
	"slices"
)

// postings are the rules kept under a fact that has a class, by the atoms that they ask for.
type postings struct {
	fact    Fact
	places  places
	bunches []bunch
	wild    []wildBunch
	all     []int32 // each rule once
	hidden  *index  // see hiddenOf
}

// wildBunch is the rules that ask for a list with stars and keywords.
type wildBunch struct {
	bit uint32
	bunch
}

// places finds the bunch of an atom. Atoms are numbered as rules name them, so those of one fact are mostly near to each other.
type places struct {
	least uint32
	near  []int32  // of each atom from least on; -1: none. Nil where they are too far apart
	atoms []uint32 // sorted, of each bunch
}

// farApart is how many numbers there may be for each atom (choice).
const farApart = 8

func newPlaces(atoms []uint32) places {
	x := places{atoms: atoms}
	if len(atoms) == 0 {
		return x
	}
	x.least = atoms[0]
	span := int(atoms[len(atoms)-1]-x.least) + 1
	if span > farApart*len(atoms) {
		return x
	}
	x.near = slices.Repeat([]int32{-1}, span)
	for i, atom := range atoms {
		x.near[atom-x.least] = int32(i)
	}
	return x
}

func (x *places) of(atom uint32) (at int, ok bool) {
	if x.near == nil {
		return slices.BinarySearch(x.atoms, atom)
	}
	if i := atom - x.least; i < uint32(len(x.near)) {
		at = int(x.near[i])
		return at, at >= 0
	}
	return 0, false
}

func (c *Compiled) newPostings(fact Fact, rules []int32, used FactSet) postings {
	p := postings{fact: fact, all: rules, hidden: c.hiddenOf(fact, rules, used)}
	lists := map[uint32][]int32{}
	var wild [maxWild][]int32
	for _, r := range rules {
		w := c.tests[r].when.of(fact)
		for _, atom := range w.atoms {
			lists[atom] = append(lists[atom], r)
		}
		for rest := w.wild; rest != 0; rest &= rest - 1 {
			bit := bits.TrailingZeros32(rest)
			wild[bit] = append(wild[bit], r)
		}
	}
	used = used.With(fact)
	p.places = newPlaces(slices.Sorted(maps.Keys(lists)))
	for _, atom := range p.places.atoms {
		p.bunches = append(p.bunches, c.newBunch(lists[atom], used))
	}
	for bit, list := range wild {
		if len(list) > 0 {
			p.wild = append(p.wild, wildBunch{1 << bit, c.newBunch(list, used)})
		}
	}
	return p
}

// first is index.first for these rules.
func (p *postings) first(c *Compiled, f *Facts, want answer, bound int32) int32 {
	if !f.Known.Has(p.fact) {
		return c.firstHidden(p.hidden, p.all, f, want, bound)
	}
	class := f.class(p.fact)
	for _, atom := range c.members(p.fact, class) {
		if at, ok := p.places.of(atom); ok {
			bound = p.bunches[at].first(c, f, want, bound)
		}
	}
	if wild := class.wild(); wild != 0 {
		for i := range p.wild {
			if p.wild[i].bit&wild != 0 {
				bound = p.wild[i].first(c, f, want, bound)
			}
		}
	}
	return bound
}

func (w *condition) of(fact Fact) *wanted {
	for i := range w.wanted {
		if w.wanted[i].fact == fact {
			return &w.wanted[i]
		}
	}
	return &wanted{}
}
