package opengfw

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
)

// Limits of one expression: real ones have a few hundred bytes and a dozen conditions.
const (
	maxExpression   = 64 << 10
	maxAlternatives = 256
	maxLiterals     = 256 // of one alternative
)

// literal is one thing that is asked of a stream.
type literal struct {
	text     string // as the expression has it
	cond     cond   // what holds in a policy when the literal does, or when it does not, with not
	not      bool
	analyzer string // whose property it is
	early    bool   // known with the first packet
	present  cond   // with not and fragile: what holds once the analyzer has the property
	fragile  bool   // ends the rule with an error while the analyzer has nothing
	lists    []list
	differs  string // what comes out otherwise
	err      error  // why it cannot be expressed
}

// alternative is literals that must all hold. No literals always hold.
type alternative struct {
	literals []literal
	lists    []list // that the literals name
	frail    bool   // an error before it ends the rule although this alternative holds
}

// alternatives brings the rule's expression into alternatives; none if it never holds.
func (s source) alternatives() (all []alternative, err error) {
	if len(s.expr) > maxExpression {
		return nil, fmt.Errorf("an expression of %d bytes, expected at most %d", len(s.expr), maxExpression)
	}
	defer func() { // the parser is not ours
		if recover() != nil {
			all, err = nil, errors.New("no expression of the expr language")
		}
	}()
	tree, err := parser.Parse(s.expr)
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return nil, fmt.Errorf("no expression of the expr language: %s", first)
	}
	all, err = walk(tree.Node, false)
	if err == nil && len(all) == 0 {
		all = []alternative{{literals: []literal{{cond: cond{"transport": nil}, early: true}}}}
	}
	for i := range all {
		for _, l := range all[i].literals {
			all[i].lists = append(all[i].lists, l.lists...)
		}
	}
	return all, err
}

// walk brings a part into alternatives; of what it is not, with not.
func walk(n ast.Node, not bool) ([]alternative, error) {
	switch n := n.(type) {
	case *ast.UnaryNode:
		if n.Operator == "!" || n.Operator == "not" {
			if _, ok := pathOf(n.Node); ok {
				return one(bareNot(n.Node, not)), nil
			}
			return walk(n.Node, !not)
		}
	case *ast.BoolNode:
		if n.Value == not {
			return nil, nil
		}
		return []alternative{{}}, nil
	case *ast.BinaryNode:
		switch n.Operator {
		case "and", "&&":
			return join(n, not, !not)
		case "or", "||":
			return join(n, not, not)
		}
	case *ast.BuiltinNode:
		if body, ok := questions(n); ok {
			return walk(body, not != (n.Name == "none"))
		}
	}
	return one(leaf(n, not)), nil
}

func one(l literal) []alternative { return []alternative{{literals: []literal{l}}} }

// join puts both sides together: each of the left with each of the right where both must hold, otherwise one after the other.
func join(n *ast.BinaryNode, not, both bool) ([]alternative, error) {
	left, err := walk(n.Left, not)
	if err != nil {
		return nil, err
	}
	right, err := walk(n.Right, not)
	if err != nil {
		return nil, err
	}
	if !both {
		frail := slices.ContainsFunc(left, fragile)
		for i := range right {
			right[i].frail = right[i].frail || frail
		}
		return within(slices.Concat(left, right))
	}
	var all []alternative
	for _, l := range left {
		for _, r := range right {
			a := alternative{literals: slices.Concat(l.literals, guarded(r.literals, l.literals)), frail: l.frail || r.frail}
			if len(a.literals) > maxLiterals {
				return nil, fmt.Errorf("an alternative of more than %d conditions", maxLiterals)
			}
			all = append(all, a)
			if _, err := within(all); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

func within(all []alternative) ([]alternative, error) {
	if len(all) > maxAlternatives {
		return nil, fmt.Errorf("more than %d alternatives once it is without brackets", maxAlternatives)
	}
	return all, nil
}

// guarded gives the literals behind others that hold already: what those have found is there.
func guarded(behind, before []literal) []literal {
	behind = slices.Clone(behind)
	for i := range behind {
		behind[i].fragile = behind[i].fragile && !knows(before, behind[i].analyzer)
	}
	return behind
}

// knows tells whether the literals hold only once an analyzer has found something.
func knows(literals []literal, analyzer string) bool {
	return slices.ContainsFunc(literals, func(l literal) bool {
		return l.err == nil && l.analyzer == analyzer && (!l.not || l.fragile)
	})
}

// fragile tells whether an error ends the rule here while an analyzer has nothing.
func fragile(a alternative) bool {
	return slices.ContainsFunc(a.literals, func(l literal) bool { return l.fragile })
}
