package rules

import (
	"cmp"
	"slices"
)

// ShadowedBy tells whether first, which comes before r in a policy, hits whatever r could hit, and no later than r, as far as the words show: a
// list is only like itself. A limit leaves its flows to the rules behind it.
func (r *Rule) ShadowedBy(first *Rule) bool {
	if first.Chance.Share > 0 || first.Do.Mechanism == MechanismLimit || r.Again && !first.Again || !r.When.implies(&first.When) {
		return false
	}
	return !slices.ContainsFunc(first.Unless, func(u Condition) bool {
		return !u.none() && !slices.ContainsFunc(r.Unless, func(own Condition) bool { return !own.none() && u.implies(&own) })
	})
}

// none tells whether the condition asks for nothing.
func (c *Condition) none() bool {
	for _, words := range c.words() {
		if len(words) > 0 {
			return false
		}
	}
	return !c.readsPayload() && len(c.Transport)+len(c.Port)+len(c.SourcePort) == 0 && c.Opened == SideUnknown
}

// implies tells whether c holds only where other holds, as far as the words show: lists are not compared.
func (c *Condition) implies(other *Condition) bool {
	mine, theirs := c.words(), other.words()
	for i := range mine {
		if !within(mine[i], theirs[i]) {
			return false
		}
	}
	return within(c.Protocol, other.Protocol) && within(c.Transport, other.Transport) && within(c.Hello, other.Hello) &&
		within(c.QUIC, other.QUIC) && within(c.Payload, other.Payload) && within(c.Trick, other.Trick) &&
		extensionsWithin(c.Extension, other.Extension) && rangesWithin(c.Port, other.Port) &&
		rangesWithin(c.SourcePort, other.SourcePort) && rangesWithin(c.Size, other.Size) &&
		(other.Opened == SideUnknown || other.Opened == c.Opened) &&
		(other.ECH == nil || c.ECH != nil && *c.ECH == *other.ECH)
}

// within: asking for nothing is the widest.
func within[T comparable](narrow, wide []T) bool {
	if len(wide) == 0 {
		return true
	}
	return len(narrow) > 0 && !slices.ContainsFunc(narrow, func(v T) bool { return !slices.Contains(wide, v) })
}

func rangesWithin(narrow, wide []Range) bool {
	if len(wide) == 0 {
		return true
	}
	if len(narrow) == 0 {
		return false
	}
	wide = slices.SortedFunc(slices.Values(wide), func(a, b Range) int { return cmp.Compare(a.Min, b.Min) })
	for _, r := range narrow {
		for _, w := range wide { // eat the range from below
			if w.Min <= r.Min && r.Min <= w.Max {
				r.Min = w.Max + 1
			}
		}
		if r.Min <= r.Max {
			return false
		}
	}
	return true
}

// extensionsWithin: an extension of any length takes those of one length.
func extensionsWithin(narrow, wide []Extension) bool {
	wide = slices.Clone(wide)
	for _, e := range narrow {
		if slices.Contains(wide, Extension{e.ID, -1}) {
			wide = append(wide, e)
		}
	}
	return within(narrow, wide)
}
