package rules

import (
	"net/netip"
	"slices"
)

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
	d.rest = map[int]*region{}
	before := newSayings(len(d.c.addrs.classes.members))
	var asked []netip.Addr
	for i := range d.c.Rules {
		asked = append(asked, resolvers(&d.c.Rules[i].Do)...)
	}
	for i := range d.c.Rules {
		t := &d.c.tests[i]
		to := d.ofRule(t)
		dir, drops := d.c.dropsAll(i)
		if drops && t.when.onlyTo() && d.c.decidesAtOnce(i) && !before.any[dir] {
			d.block(i, dir, to, before, asked)
		}
		if _, ok := reachOf(&d.c.Rules[i].When, &t.when); ok {
			before.add(to, dir, drops)
		}
	}
}

// block is a Block that is not written out.
type block struct {
	rule      int
	direction Direction
	to        *region
	holes     []netip.Addr
}

// sayings are the classes of the rules so far, for each direction without those that drop all in it.
type sayings struct {
	of      [Down + 1][]bool
	any     [Down + 1]bool
	last    [Down + 1]*region // that was added: many rules in a row may be for the same list
	blocked []bool
}

func newSayings(classes int) *sayings {
	s := &sayings{blocked: make([]bool, classes)}
	for i := range s.of {
		s.of[i] = make([]bool, classes)
	}
	return s
}

func (s *sayings) add(to *region, dir Direction, drops bool) {
	for x := range Down + 1 {
		switch {
		case drops && x == dir, s.any[x]:
		case to == nil:
			s.any[x] = true
		case s.last[x] != to:
			s.last[x] = to
			for _, class := range to.classes {
				s.of[x][class] = true
			}
		}
	}
}

// block finds what of the region no rule before has a say about. What a resolver answers is changed before any rule is asked, so that
// its packets down are none of a block.
func (d *needs) block(i int, dir Direction, to *region, before *sayings, asked []netip.Addr) {
	classes := d.present
	if to != nil {
		classes = to.classes
	}
	var own, rest []uint32
	for _, class := range classes {
		switch {
		case before.blocked[class]:
		case before.of[dir][class]:
			rest = append(rest, class)
		default:
			own = append(own, class)
		}
	}
	b := block{rule: i, direction: dir}
	if dir != Up {
		for _, a := range asked {
			if contains(own, d.c.Addr(a).set()) && !slices.Contains(b.holes, a) {
				b.holes = append(b.holes, a)
			}
		}
	}
	d.rest[i] = d.of(rest, slices.Clone(b.holes))
	for _, class := range own {
		before.blocked[class] = true
	}
	if len(own) > 0 {
		b.to = d.of(own, nil)
		d.blocks = append(d.blocks, b)
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
	r, t := &c.Rules[i], &c.tests[i]
	for j := range t.unless {
		if !t.unless[j].onlyTo() {
			return false
		}
	}
	return r.Chance.Share == 0 && !r.Again
}
