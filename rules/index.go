package rules

// index finds the rules that can have something to say about a flow, without a look at the others. Each rule is kept under
// one of its conditions: the one whose values the fewest other rules ask for. Where many rules are kept under one value, an index
// of their other conditions stands in for their list, and so on: rules are intersected by what they ask for, not tried in turn.
type index struct {
	classed []postings
	ranged  []stretches
	rest    table // of the rules that are kept under nothing
}

const classedFacts = len(classFacts)

// classFacts are the facts that have a class, each at its own number.
var classFacts = [...]Fact{FactSNI, FactHost, FactQuery, FactCertificate, FactJA3, FactJA4, FactTo, FactFrom}

// rangeFacts are those that rules ask for by ranges.
var rangeFacts = [...]Fact{FactPort, FactSourcePort, FactSize}

// shortList is how many rules are tried in turn before an index of their other conditions is made (choice).
const shortList = 16

// newIndex keeps the rules, sorted, under facts that are not in used.
func (c *Compiled) newIndex(rules []int32, used FactSet) *index {
	x := &index{}
	popular := c.popular(rules, used)
	under := map[Fact][]int32{}
	var rest []int32
	for _, r := range rules {
		if fact, ok := popular.choose(&c.tests[r].when, used); ok {
			under[fact] = append(under[fact], r)
			continue
		}
		rest = append(rest, r)
	}
	for _, fact := range classFacts {
		if list := under[fact]; len(list) > 0 {
			x.classed = append(x.classed, c.newPostings(fact, list, used))
		}
	}
	for _, fact := range rangeFacts {
		if list := under[fact]; len(list) > 0 {
			x.ranged = append(x.ranged, c.newStretches(fact, list, used))
		}
	}
	x.rest = c.newTable(rest)
	return x
}

// popularity is how many rules ask for the same.
type popularity struct {
	atoms  map[popularKey]int
	covers [len(rangeFacts)]cover
}

type popularKey struct {
	fact Fact
	atom uint32
}

func (c *Compiled) popular(rules []int32, used FactSet) *popularity {
	p := &popularity{atoms: map[popularKey]int{}}
	for _, r := range rules {
		for _, w := range c.tests[r].when.wanted {
			if used.Has(w.fact) {
				continue
			}
			for _, atom := range w.atoms {
				p.atoms[popularKey{w.fact, atom}]++
			}
		}
	}
	for i, fact := range rangeFacts {
		if !used.Has(fact) {
			p.covers[i] = c.coverOf(rules, fact)
		}
	}
	return p
}

// choose gives what a rule is kept under: the fact whose most popular value is the least popular. It tells whether there is one.
func (p *popularity) choose(w *condition, used FactSet) (best Fact, ok bool) {
	least := 0
	offer := func(fact Fact, most int) {
		if !ok || most < least {
			best, least, ok = fact, most, true
		}
	}
	for i := range w.wanted {
		x := &w.wanted[i]
		if used.Has(x.fact) {
			continue
		}
		most := 0
		for _, atom := range x.atoms {
			most = max(most, p.atoms[popularKey{x.fact, atom}])
		}
		offer(x.fact, most)
	}
	for i, fact := range rangeFacts {
		if w.facts.Has(fact) && !used.Has(fact) {
			most := 0
			for _, r := range w.rangesOf(fact) {
				most = max(most, p.covers[i].most(r))
			}
			offer(fact, most)
		}
	}
	return best, ok
}

// bunch is the rules kept under one value, in either form.
type bunch struct {
	list []int32 // sorted
	sub  *index
}

// newBunch takes a sorted list of rules that are kept under the facts in used.
func (c *Compiled) newBunch(list []int32, used FactSet) bunch {
	if len(list) <= c.short {
		return bunch{list: list}
	}
	return bunch{sub: c.newIndex(list, used)}
}

// hiddenOf gives an index for flows of which the fact is not known: of one rule for each kind that cannot be told apart then. Facts of the
// headers are known of every flow that an engine has, and get none.
func (c *Compiled) hiddenOf(fact Fact, rules []int32, used FactSet) *index {
	if headerFacts.Has(fact) {
		return nil
	}
	used = used.With(fact)
	return c.newIndex(c.kinds(rules, used), used)
}
