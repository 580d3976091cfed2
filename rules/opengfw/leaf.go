package opengfw

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// leaf reads one condition; what it is not, with not.
func leaf(n ast.Node, not bool) (l literal) {
	l = literal{text: short(n), not: not}
	switch n := n.(type) {
	case *ast.BinaryNode:
		l.compare(n)
	case *ast.CallNode:
		l.call(n)
	default:
		if o, ok := pathOf(n); ok {
			l.truth(o)
		} else {
			l.err = l.unknown(n)
		}
	}
	return l
}

// unknown says that a part of an expression is no condition, because of a property that none reads, if there is one.
func (l *literal) unknown(n ast.Node) error {
	var u unread
	ast.Walk(&n, &u)
	if u != "" {
		return errors.New(missing(string(u)))
	}
	return fmt.Errorf("%s: no condition of a policy", l.text)
}

// unread finds the longest property that no condition reads.
type unread string

// Visit implements ast.Visitor.
func (u *unread) Visit(n *ast.Node) {
	o, ok := pathOf(*n)
	analyzer, _, _ := strings.Cut(o.name, ".")
	if _, known := fields[o.name]; ok && !known && !strings.HasPrefix(o.name, question+".0") && slices.Contains(analyzers, analyzer) && len(o.name) > len(*u) {
		*u = unread(o.name)
	}
}

// about gives the field of a property, and takes over what holds of it.
func (l *literal) about(o operand) (field, bool) {
	f, ok := fields[o.name]
	if !ok {
		l.err = errors.New(missing(o.name))
		return f, false
	}
	l.analyzer, _, _ = strings.Cut(o.name, ".")
	l.early, l.fragile, l.present, l.differs = early(o.name), o.fragile && !early(o.name), f.present, f.differs
	l.cond = f.with.clone()
	return f, true
}

// truth is a property that stands for itself.
func (l *literal) truth(o operand) {
	if f, ok := l.about(o); ok && (f.kind != truth || o.text) {
		l.err = fmt.Errorf("%s: not true or false, which is an error in OpenGFW", l.text)
	}
}

// bareNot is the not of a property. Where there is none that is an error, and so no condition that holds.
func bareNot(n ast.Node, not bool) literal {
	l := leaf(n, not)
	switch {
	case l.err != nil:
	case l.cond[responseKey] != nil: // a DNS message has it always, true or false
		if !not {
			l.cond[responseKey] = []string{"false"}
		}
	case !not:
		l.err = fmt.Errorf("!%s: OpenGFW has it as true or not at all, and not of nothing is an error there, so this never holds", l.text)
	}
	l.not = false
	return l
}

// compare reads left op right.
func (l *literal) compare(n *ast.BinaryNode) {
	op, left, right := n.Operator, n.Left, n.Right
	o, ok := pathOf(left)
	if mirrored := mirror[op]; !ok && mirrored != "" {
		op, left, right = mirrored, right, left
		o, ok = pathOf(left)
	}
	if op == "!=" {
		op, l.not = "==", !l.not
	}
	if !ok {
		l.err = l.unknown(n)
		return
	}
	f, ok := l.about(o)
	if !ok {
		return
	}
	if _, isNil := right.(*ast.NilNode); isNil && op == "==" {
		l.absent(o)
		return
	}
	switch f.kind {
	case nameKind:
		l.name(f.key, o, op, right)
	case address:
		l.address(f.key, op, right)
	case portKind:
		l.port(f.key, op, right)
	case transport:
		l.transport(op, right)
	case truth:
		l.equals(op, right)
	default:
		l.err = fmt.Errorf("%s: of %s a condition knows only that it is there", l.text, o.name)
	}
}

var mirror = map[string]string{"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}

// absent is a property compared with nil.
func (l *literal) absent(o operand) {
	switch {
	case o.text, l.early:
		l.err = fmt.Errorf("%s: never nil", l.text)
	case l.present == nil:
		l.err = fmt.Errorf("%s: no condition of a policy", l.text)
	}
	l.cond, l.not = l.present.clone(), !l.not
}

// equals is a property that is true, compared with true or false.
func (l *literal) equals(op string, right ast.Node) {
	b, ok := right.(*ast.BoolNode)
	if op != "==" || !ok {
		l.err = fmt.Errorf("%s: no condition of a policy", l.text)
		return
	}
	switch {
	case l.cond[responseKey] != nil: // true or false, once there is one; of other streams neither
		value := b.Value != l.not
		l.cond[responseKey] = []string{fmt.Sprint(value)}
		if l.not && !l.fragile {
			l.err = fmt.Errorf("%s: holds for all that is no DNS as well", l.text)
		}
		l.not = false
	case !b.Value:
		l.err = fmt.Errorf("%s: never false in OpenGFW, but true or not there", l.text)
	}
}

// transport is proto, of which there are two.
func (l *literal) transport(op string, right ast.Node) {
	values, ok := texts(op, right)
	if !ok {
		l.err = fmt.Errorf("%s: no condition of a policy", l.text)
		return
	}
	var fits []string
	for _, t := range []string{"tcp", "udp"} {
		if slices.Contains(values, t) != l.not {
			fits = append(fits, t)
		}
	}
	l.cond, l.not = cond{"transport": fits}, false
}

// texts gives what == or in compares with.
func texts(op string, right ast.Node) (all []string, ok bool) {
	nodes := []ast.Node{right}
	if a, isArray := right.(*ast.ArrayNode); isArray && op == "in" {
		nodes = a.Nodes
	} else if op != "==" {
		return nil, false
	}
	for _, n := range nodes {
		s, ok := n.(*ast.StringNode)
		if !ok {
			return nil, false
		}
		all = append(all, s.Value)
	}
	return all, true
}
