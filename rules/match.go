package rules

import "math/bits"

// Match gives the rule, as an index into Rules, that hits with what is known now, or -1.
//
// A rule hits when all that its when asks for is known and holds, and its unless, if any, is known not to hold. Of those
// that hit, the first wins. A rule that cannot be decided yet does not hold back a later one. Match allocates nothing; its
// cost grows only with the rules that ask for the same list or value as the flow has.
func (c *Compiled) Match(f *Facts) int {
	best := c.index.first(c, f, yes, int32(len(c.Rules)))
	if int(best) == len(c.Rules) {
		return -1
	}
	return int(best)
}

// Pending tells whether Match could give another answer once facts turn up that are not Known yet: whether a rule before
// the one that hits now, or any if none does, cannot be decided. It allocates nothing.
func (c *Compiled) Pending(f *Facts) bool {
	if f.Known&c.reads == c.reads {
		return false
	}
	hit := c.index.first(c, f, yes, int32(len(c.Rules)))
	return c.index.first(c, f, maybe, hit) < hit
}

// first gives the first rule before the bound whose answer is want, or the bound.
func (x *index) first(c *Compiled, f *Facts, want answer, bound int32) int32 {
	for _, fact := range classFacts {
		p := &x.classed[fact]
		switch class := f.class(fact); {
		case len(p.all) == 0:
		case f.Known.Has(fact):
			bound = c.firstOf(p.of(class), f, want, bound)
			for wild := class.wild(); wild != 0; wild &= wild - 1 {
				bound = c.firstOf(p.wild[bits.TrailingZeros32(wild)], f, want, bound)
			}
		case want == yes: // not with this fact missing
		case p.hidden != nil:
			bound = p.hidden.first(c, f, want, bound)
		default:
			bound = c.firstOf(p.all, f, want, bound)
		}
	}
	if len(x.narrow) > 0 {
		if f.Known.Has(FactPort) {
			bound = c.firstOf(x.ports[f.Port], f, want, bound)
		} else if want == maybe {
			bound = c.firstOf(x.narrow, f, want, bound)
		}
	}
	return x.firstRest(c, f, want, bound)
}

func (x *index) firstRest(c *Compiled, f *Facts, want answer, bound int32) int32 {
	for p := range x.rest {
		if !slotCounts(p, f.Known.Has(FactProtocol), int(f.Protocol), want) {
			continue
		}
		for t := range x.rest[p] {
			if !slotCounts(t, f.Known.Has(FactTransport), int(f.Transport), want) {
				continue
			}
			bound = c.firstOf(x.rest[p][t], f, want, bound)
		}
	}
	return bound
}

// slotCounts: slot 0 is for the rules that do not ask.
func slotCounts(slot int, known bool, value int, want answer) bool {
	return slot == 0 || known && slot-1 == value || !known && want == maybe
}

func (c *Compiled) firstOf(rules []int32, f *Facts, want answer, bound int32) int32 {
	for _, r := range rules {
		if r >= bound {
			return bound
		}
		if c.rule(r, f) == want {
			return r
		}
	}
	return bound
}
