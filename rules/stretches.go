package rules

import "slices"

// stretches are the rules kept under a fact that they ask for by ranges. The numbers are cut where a range begins or ends; over these cuts
// lies a tree, and a rule is kept at the fewest nodes that make up its ranges: at most two on each level. The rules for a
// number are those on the way from its leaf to the root.
type stretches struct {
	fact   Fact
	cuts   []uint16 // the first number of each leaf, from 0 on
	nodes  []bunch  // the root at 1, those below node n at 2n and 2n+1, the leaves from len(nodes)/2 on
	all    []int32  // each rule once
	hidden *index   // see hiddenOf
}

func (c *Compiled) newStretches(fact Fact, rules []int32, used FactSet) stretches {
	x := stretches{fact: fact, all: rules, cuts: c.cuts(rules, fact), hidden: c.hiddenOf(fact, rules, used)}
	leaves := 1
	for leaves < len(x.cuts) {
		leaves *= 2
	}
	lists := make([][]int32, 2*leaves)
	for _, r := range rules {
		for _, span := range c.tests[r].when.rangesOf(fact) {
			low, high := leafOf(x.cuts, span.Min)+leaves, leafOf(x.cuts, span.Max)+leaves+1
			for ; low < high; low, high = low/2, high/2 {
				if low&1 != 0 {
					lists[low] = appendNew(lists[low], r)
					low++
				}
				if high&1 != 0 {
					high--
					lists[high] = appendNew(lists[high], r)
				}
			}
		}
	}
	x.nodes = make([]bunch, 2*leaves)
	for i, list := range lists {
		x.nodes[i] = c.newBunch(list, used.With(fact))
	}
	return x
}

// first is index.first for these rules.
func (x *stretches) first(c *Compiled, f *Facts, want answer, bound int32) int32 {
	if !f.Known.Has(x.fact) {
		return c.firstHidden(x.hidden, x.all, f, want, bound)
	}
	for n := len(x.nodes)/2 + leafOf(x.cuts, int(f.number(x.fact))); n > 0; n /= 2 {
		bound = x.nodes[n].first(c, f, want, bound)
	}
	return bound
}

// cuts gives, in order, where what the rules ask for begins, or has ended.
func (c *Compiled) cuts(rules []int32, fact Fact) []uint16 {
	cuts := []uint16{0}
	for _, r := range rules {
		for _, span := range c.tests[r].when.rangesOf(fact) {
			cuts = append(cuts, uint16(span.Min))
			if span.Max < 65535 {
				cuts = append(cuts, uint16(span.Max+1))
			}
		}
	}
	slices.Sort(cuts)
	return slices.Clip(slices.Compact(cuts))
}

// leafOf gives the last cut that is not above the number.
func leafOf(cuts []uint16, v int) int {
	low, high := 0, len(cuts)
	for high-low > 1 {
		if middle := (low + high) / 2; int(cuts[middle]) <= v {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

func appendNew(list []int32, r int32) []int32 {
	if len(list) > 0 && list[len(list)-1] == r {
		return list
	}
	return append(list, r)
}

// cover says how many rules ask for each number.
type cover struct {
	cuts   []uint16
	counts []int // of each leaf
}

func (c *Compiled) coverOf(rules []int32, fact Fact) cover {
	x := cover{cuts: c.cuts(rules, fact)}
	x.counts = make([]int, len(x.cuts)+1)
	for _, r := range rules {
		for _, span := range c.tests[r].when.rangesOf(fact) {
			x.counts[leafOf(x.cuts, span.Min)]++
			x.counts[leafOf(x.cuts, span.Max)+1]--
		}
	}
	for i := range x.cuts[1:] {
		x.counts[i+1] += x.counts[i]
	}
	return x
}

// most is how many rules ask for an end of the range. What is between is not looked at: it only matters for speed.
func (x *cover) most(r Range) int {
	return max(x.counts[leafOf(x.cuts, r.Min)], x.counts[leafOf(x.cuts, r.Max)])
}

func (w *condition) rangesOf(fact Fact) []Range {
	switch fact {
	case FactPort:
		return w.ports
	case FactSourcePort:
		return w.sourcePorts
	}
	return w.sizes
}

// number gives the fact that rules ask for by ranges.
func (f *Facts) number(fact Fact) uint16 {
	switch fact {
	case FactPort:
		return f.Port
	case FactSourcePort:
		return f.SourcePort
	}
	return f.Size
}
