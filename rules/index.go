package rules

import (
	"slices"
)

// index finds the rules that can have something to say about a flow, without a look at the others. Each rule is kept under
// one of its conditions: the one whose values the fewest other rules ask for.
type index struct {
	classed [classedFacts]postings
	ports   map[uint16][]int32 // rules without a class and with few ports
	narrow  []int32            // all of those in ports
	rest    [protocolCount + 1][transportCount + 1][]int32
}

const classedFacts = len(classFacts)

// classFacts are the facts that have a class, each at its own number.
var classFacts = [...]Fact{FactSNI, FactHost, FactQuery, FactCertificate, FactJA3, FactJA4, FactTo, FactFrom}

// manyPorts is how many ports a rule may ask for and still be kept under each of them.
const manyPorts = 16

// postings are the rules kept under one fact.
type postings struct {
	starts []uint32 // of each class in rules, and the end
	rules  []int32  // sorted within a class
	wild   [maxWild][]int32
	all    []int32 // each rule once
	hidden *index  // of one rule for each kind that cannot be told apart while the fact is not known
}

func (p *postings) of(class Class) []int32 {
	if len(p.starts) == 0 {
		return nil
	}
	set := class.set()
	return p.rules[p.starts[set]:p.starts[set+1]]
}

// newIndex keeps the rules, sorted, under facts that are not in used.
func (c *Compiled) newIndex(rules []int32, used FactSet) *index {
	x := &index{ports: map[uint16][]int32{}}
	popular := map[popularKey]int{}
	for _, r := range rules {
		for _, w := range c.tests[r].when.wanted {
			for _, atom := range w.atoms {
				popular[popularKey{w.fact, atom}]++
			}
		}
	}
	var under [classedFacts][]int32
	for _, r := range rules {
		if w := c.choose(r, used, popular); w != nil {
			under[w.fact] = append(under[w.fact], r)
			continue
		}
		x.keepRest(r, &c.tests[r].when)
	}
	for i, list := range under {
		if len(list) > 0 {
			x.classed[i] = c.newPostings(Fact(i), list, used)
		}
	}
	return x
}

type popularKey struct {
	fact Fact
	atom uint32
}

// choose gives what the rule is kept under, or nil.
func (c *Compiled) choose(r int32, used FactSet, popular map[popularKey]int) *wanted {
	var best *wanted
	least := 0
	for i := range c.tests[r].when.wanted {
		w := &c.tests[r].when.wanted[i]
		if used.Has(w.fact) {
			continue
		}
		most := 0
		for _, atom := range w.atoms {
			most = max(most, popular[popularKey{w.fact, atom}])
		}
		if best == nil || most < least {
			best, least = w, most
		}
	}
	return best
}

func (x *index) keepRest(r int32, w *condition) {
	if n := portCount(w.ports); n > 0 && n <= manyPorts {
		x.narrow = append(x.narrow, r)
		for _, ports := range w.ports {
			for port := ports.Min; port <= ports.Max; port++ {
				x.ports[uint16(port)] = appendNew(x.ports[uint16(port)], r)
			}
		}
		return
	}
	for p := range x.rest {
		for t := range x.rest[p] {
			if slotFits(w, FactProtocol, w.protocols, p) && slotFits(w, FactTransport, w.transports, t) {
				x.rest[p][t] = append(x.rest[p][t], r)
			}
		}
	}
}

// slotFits: slot 0 is for the rules that do not ask, the others for those that ask for this value.
func slotFits(w *condition, fact Fact, bits uint32, slot int) bool {
	if slot == 0 || !w.facts.Has(fact) {
		return slot == 0 && !w.facts.Has(fact)
	}
	return bits&(1<<(slot-1)) != 0
}

func portCount(ports []Range) int {
	n := 0
	for _, r := range ports {
		n += r.Max - r.Min + 1
	}
	return n
}

func appendNew(list []int32, r int32) []int32 {
	if len(list) > 0 && list[len(list)-1] == r {
		return list
	}
	return append(list, r)
}

func (c *Compiled) newPostings(fact Fact, rules []int32, used FactSet) postings {
	p := postings{all: rules}
	byAtom := map[uint32][]int32{}
	for _, r := range rules {
		w := c.tests[r].when.of(fact)
		for _, atom := range w.atoms {
			byAtom[atom] = append(byAtom[atom], r)
		}
		for bit := range maxWild {
			if w.wild&(1<<bit) != 0 {
				p.wild[bit] = append(p.wild[bit], r)
			}
		}
	}
	cl := c.names.classes
	if fact == FactTo || fact == FactFrom {
		cl = c.addrs.classes
	}
	p.starts = make([]uint32, 0, len(cl.members)+1)
	for _, set := range cl.members {
		p.starts = append(p.starts, uint32(len(p.rules)))
		p.rules = appendMerged(p.rules, set, byAtom)
	}
	p.starts = append(p.starts, uint32(len(p.rules)))
	if fact != FactTo && fact != FactFrom {
		used = used.With(fact)
		p.hidden = c.newIndex(c.kinds(rules, used), used)
	}
	return p
}

func appendMerged(out []int32, set []uint32, byAtom map[uint32][]int32) []int32 {
	from := len(out)
	for _, atom := range set {
		out = append(out, byAtom[atom]...)
	}
	part := out[from:]
	slices.Sort(part)
	return out[:from+len(slices.Compact(part))]
}

func (w *condition) of(fact Fact) *wanted {
	for i := range w.wanted {
		if w.wanted[i].fact == fact {
			return &w.wanted[i]
		}
	}
	return &wanted{}
}
