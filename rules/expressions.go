package rules

import (
	"fmt"
	"regexp/syntax"
)

// expressions finds any number of regular expressions in a name: in one pass, if the automaton of all of them is not too large. Finding
// allocates nothing and needs no lock, which package regexp cannot say of its machines.
type expressions struct {
	tables []*expressionTable
	slow   []*machine // one expression each
}

// expression is one that was parsed.
type expression struct {
	prog *syntax.Prog
	bit  uint32
}

// What automatons may take (choice): one has so many cells of four bytes. To make one may take so many steps for each expression and so many
// more, and to make all so many, of some nanoseconds.
const (
	mostCells  = 1 << 18
	workOfEach = 1 << 18
	workBeside = 1 << 20
	mostWork   = 1 << 28
)

// mostSlowSteps is how many steps those may have, together, that are too large for automatons (choice).
const mostSlowSteps = 4 * mostSteps

// newExpressions gives nil for no expressions.
func newExpressions(all []expression) (*expressions, error) {
	if len(all) == 0 {
		return nil, nil
	}
	x := &expressions{}
	left := mostWork
	x.add(all, &left)
	steps := 0
	for _, m := range x.slow {
		steps += len(m.steps)
	}
	if steps > mostSlowSteps {
		return nil, fmt.Errorf("%d of the regular expressions are so large that every name would take long, expected fewer, or simpler ones", len(x.slow))
	}
	return x, nil
}

// add makes one automaton for all, or two for one half each, and so on.
func (x *expressions) add(all []expression, left *int) {
	m := &machine{}
	for _, e := range all {
		m.add(e.prog, e.bit)
	}
	work := min(workBeside+len(all)*workOfEach, *left)
	*left -= work
	if table := m.table(&work); table != nil {
		*left += work
		x.tables = append(x.tables, table)
		return
	}
	if len(all) == 1 {
		x.slow = append(x.slow, m)
		return
	}
	x.add(all[:len(all)/2], left)
	x.add(all[len(all)/2:], left)
}

func (x *expressions) find(name []byte) (found uint32) {
	for _, t := range x.tables {
		found |= t.find(name)
	}
	for _, m := range x.slow {
		found |= m.find(name)
	}
	return found
}

// expressionTable is a deterministic automaton: one look a letter.
type expressionTable struct {
	letters [256]uint8 // the kind of each: those of one kind lead to the same
	kinds   int
	next    []uint32 // state and kind to state; the first state is 0
	found   []uint32 // by state: expressions that end before the letter that led here
	end     []uint32 // by state: those that end if the name does
}

func (t *expressionTable) find(name []byte) (found uint32) {
	state := uint32(0)
	for _, c := range name {
		state = t.next[int(state)*t.kinds+int(t.letters[c])]
		found |= t.found[state]
	}
	return found | t.end[state]
}
