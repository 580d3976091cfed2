package rules

import "net/netip"

// findBlocks finds the rules that drop by the outside address alone, and the prefixes that no rule before them has a say about.
//
// A flow to such a prefix is hit by the block with its first packet. A rule before it could hit first, even one that asks for a name: a
// first packet may carry payload. It does no harm where it drops the same packets; otherwise its prefixes are no part of a block. What rules
// leave behind for other flows covers the address of the flow that they hit, and so nothing of a block but by rules that
// drop the same.
func (d *needs) findBlocks() {
	if !d.c.blocksHold() {
		return
	}
	d.rest = map[int][]netip.Prefix{}
	before := sayings{}
	for i := range d.c.Rules {
		// What a resolver answers is changed before any rule is asked.
		all := resolvers(&d.c.Rules[i].Do)
		before.of[Both].insert(all)
		before.of[Down].insert(all)
	}
	for i := range d.c.Rules {
		to := d.to(i)
		dir, drops := d.c.dropsAll(i)
		if drops && onlyTo(&d.c.Rules[i].When) && d.c.decidesAtOnce(i) && !before.any[dir] {
			d.block(i, dir, to, &before)
		}
		if _, ok := reachOf(&d.c.Rules[i].When, &d.c.tests[i].when); ok {
			before.add(to, dir, drops)
		}
	}
}

// sayings are the prefixes of the rules so far, for each direction without those that drop all in it.
type sayings struct {
	of      [Down + 1]prefixSet
	any     [Down + 1]bool
	last    [Down + 1]*netip.Prefix // of what was added: many rules in a row may be for the same list
	blocked prefixSet
}

func (s *sayings) add(to []netip.Prefix, dir Direction, drops bool) {
	for x := range Down + 1 {
		switch {
		case drops && x == dir, s.any[x]:
		case to == nil:
			s.any[x] = true
		case len(to) > 0 && s.last[x] != &to[0]:
			s.last[x] = &to[0]
			s.of[x].insert(to)
		}
	}
}

func (d *needs) block(i int, dir Direction, to []netip.Prefix, before *sayings) {
	if to == nil {
		to = everywhere
	}
	to = before.blocked.without(to)
	b := Block{Rule: i, Direction: dir, Prefixes: before.of[dir].without(to)}
	var own prefixSet
	own.insert(b.Prefixes)
	d.rest[i] = own.without(to)
	if len(b.Prefixes) > 0 {
		d.blocks = append(d.blocks, b)
		before.blocked.insert(b.Prefixes)
	}
}

// blocksHold tells whether the profile leaves flows to blocked addresses to their rule, all of them and from the first packet on. Where a
// full table loses packets, they count as well: they fill it.
func (c *Compiled) blocksHold() bool {
	return c.Profile.Miss.Share == 0 && c.Profile.MidStream != MidStreamPasses && !c.Profile.LosesUnseen()
}

// dropsAll tells whether the rule drops all packets in one direction, or both, of the flows that it hits, the deciding one among them. The
// direction is that of packets which the box sees.
func (c *Compiled) dropsAll(i int) (Direction, bool) {
	do := &c.Rules[i].Do
	dir := do.Direction
	if do.Mechanism != MechanismDrop || do.After.Max > 0 || do.From != StartPacket {
		return dir, false
	}
	if sees := c.Profile.Sees; sees != Both {
		if dir != Both && dir != sees {
			return dir, false
		}
		dir = sees
	}
	// Without what is dropped one way, what goes the other looks as if it were met in its middle.
	return dir, dir == Both || c.Profile.Sees != Both || c.Profile.MidStream != MidStreamDrops
}

// decidesAtOnce tells whether the outside address of any flow says if the rule hits.
func (c *Compiled) decidesAtOnce(i int) bool {
	r := &c.Rules[i]
	for j := range r.Unless {
		if !onlyTo(&r.Unless[j]) {
			return false
		}
	}
	return r.Chance.Share == 0 && !r.Again
}
