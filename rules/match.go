package rules

// Match gives the rule, as an index into Rules, that hits with what is known now, or -1.
//
// A rule hits when all that its when asks for is known and holds, and its unless, if any, is known not to hold. Of those
// that hit, the first wins. A rule that cannot be decided yet does not hold back a later one. Match allocates nothing; its
// cost grows only with the rules that ask for what the flow has in all that their when says, and differ in their unless, chance and signs.
func (c *Compiled) Match(f *Facts) int {
	best := c.index.first(c, f, yes, int32(len(c.Rules)))
	if int(best) == len(c.Rules) {
		return -1
	}
	return int(best)
}

// MatchBehind is Match for the rules behind one, which it tries in turn. Its cost grows with their number.
func (c *Compiled) MatchBehind(f *Facts, rule int) int {
	for r := rule + 1; r < len(c.Rules); r++ {
		if c.rule(int32(r), f) == yes {
			return r
		}
	}
	return -1
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
	for i := range x.classed {
		bound = x.classed[i].first(c, f, want, bound)
	}
	for i := range x.ranged {
		bound = x.ranged[i].first(c, f, want, bound)
	}
	return x.rest.first(c, f, want, bound)
}

func (b *bunch) first(c *Compiled, f *Facts, want answer, bound int32) int32 {
	if b.sub != nil {
		return b.sub.first(c, f, want, bound)
	}
	return c.firstOf(b.list, f, want, bound)
}

// firstHidden is index.first for rules kept under a fact that is not known.
func (c *Compiled) firstHidden(hidden *index, all []int32, f *Facts, want answer, bound int32) int32 {
	switch {
	case want == yes: // not with this fact missing
		return bound
	case hidden != nil:
		return hidden.first(c, f, want, bound)
	}
	return c.firstOf(all, f, want, bound)
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
