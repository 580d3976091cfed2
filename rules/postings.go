package rules

import "math/bits"

// postings are the rules kept under a fact that has a class, by the atoms that they ask for.
type postings struct {
	fact    Fact
	places  map[uint32]uint32 // of an atom in bunches
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

func (c *Compiled) newPostings(fact Fact, rules []int32, used FactSet) postings {
	p := postings{fact: fact, places: map[uint32]uint32{}, all: rules, hidden: c.hiddenOf(fact, rules, used)}
	var lists [][]int32
	var wild [maxWild][]int32
	for _, r := range rules {
		w := c.tests[r].when.of(fact)
		for _, atom := range w.atoms {
			at, ok := p.places[atom]
			if !ok {
				at = uint32(len(lists))
				p.places[atom] = at
				lists = append(lists, nil)
			}
			lists[at] = append(lists[at], r)
		}
		for rest := w.wild; rest != 0; rest &= rest - 1 {
			bit := bits.TrailingZeros32(rest)
			wild[bit] = append(wild[bit], r)
		}
	}
	used = used.With(fact)
	p.bunches = make([]bunch, len(lists))
	for i, list := range lists {
		p.bunches[i] = c.newBunch(list, used)
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
		if at, ok := p.places[atom]; ok {
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
