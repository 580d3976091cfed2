package rules

import (
	"errors"
	"fmt"
	"regexp/syntax"
)

const expressionMark = "regexp:"

// mostSteps is how many instructions one expression may come to: some hundred letters, or a few repetitions (choice).
const mostSteps = 4096

// parseExpression reads an expression as RE2 and package regexp have them, in any case.
func parseExpression(text string) (*syntax.Prog, error) {
	tree, err := syntax.Parse(text, syntax.Perl|syntax.FoldCase)
	if err != nil {
		if wrong := (*syntax.Error)(nil); errors.As(err, &wrong) {
			return nil, fmt.Errorf("%s: %q", wrong.Code, wrong.Expr)
		}
		return nil, err
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err == nil && len(prog.Inst) > mostSteps {
		err = fmt.Errorf("it comes to %d steps, expected %d or fewer", len(prog.Inst), mostSteps)
	}
	return prog, err
}

// machine runs any number of expressions over a name, all at once. A byte is a letter, whatever its value: names are ASCII, and nobody knows what
// others mean.
type machine struct {
	steps  []syntax.Inst
	starts []uint32 // of each expression
	bits   []uint32 // of each step that ends an expression
}

// add enters an expression, which is found as bit.
func (m *machine) add(prog *syntax.Prog, bit uint32) {
	from := uint32(len(m.steps))
	m.starts = append(m.starts, from+uint32(prog.Start))
	for _, step := range prog.Inst {
		step.Out += from
		if step.Op == syntax.InstAlt || step.Op == syntax.InstAltMatch {
			step.Arg += from
		}
		m.steps = append(m.steps, step)
		m.bits = append(m.bits, 0)
		if step.Op == syntax.InstMatch {
			m.bits[len(m.bits)-1] = bit
		}
	}
}

// follow puts the step, and those that it leads to without a letter, into the set, and gives the bits of the expressions that end.
func (m *machine) follow(set bitSet, step uint32, around syntax.EmptyOp) (found uint32) {
	for !set.has(step) {
		set.add(step)
		switch s := &m.steps[step]; s.Op {
		case syntax.InstMatch:
			return m.bits[step]
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(s.Arg)&^around != 0 {
				return found
			}
			step = s.Out
		case syntax.InstAlt, syntax.InstAltMatch:
			found |= m.follow(set, s.Arg, around)
			step = s.Out
		case syntax.InstCapture, syntax.InstNop:
			step = s.Out
		default:
			return found
		}
	}
	return found
}

// between fills reached with what the steps in now lead to before the next letter, and gives the expressions that end there. Every expression
// may begin anywhere.
func (m *machine) between(now, reached bitSet, around syntax.EmptyOp) (found uint32) {
	for step := range now.all() {
		found |= m.follow(reached, step, around)
	}
	for _, step := range m.starts {
		found |= m.follow(reached, step, around)
	}
	return found
}

// over fills next with the steps behind a letter.
func (m *machine) over(reached, next bitSet, letter rune) {
	for step := range reached.all() {
		if s := &m.steps[step]; takes(s, letter) {
			next.add(s.Out)
		}
	}
}

func takes(s *syntax.Inst, letter rune) bool {
	switch s.Op {
	case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
		return s.MatchRune(letter)
	}
	return false
}

// noLetterHere is before the first and behind the last letter.
const noLetterHere rune = -1

// find runs the machine as it is: for an expression whose automaton would be too large. It is slow, by the number of steps, and needs no memory
// but the stack.
func (m *machine) find(name []byte) (found uint32) {
	var sets [3][mostSteps / 64]uint64
	size := (len(m.steps) + 63) / 64
	now, reached, next := bitSet(sets[0][:size]), bitSet(sets[1][:size]), bitSet(sets[2][:size])
	before := noLetterHere
	for _, c := range name {
		found |= m.between(now, reached, syntax.EmptyOpContext(before, rune(c)))
		m.over(reached, next, rune(c))
		now, next = next, now
		clear(reached)
		clear(next)
		before = rune(c)
	}
	return found | m.between(now, reached, syntax.EmptyOpContext(before, noLetterHere))
}
