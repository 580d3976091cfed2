package opengfw

import (
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// operand is a property of a stream, as an expression asks for it.
type operand struct {
	name    string // such as tls.req.sni
	fragile bool   // asking for it is an error while the analyzer has nothing
	text    bool   // string() is around it: nothing is then the text nilText
}

// nilText is what string() makes of nothing.
const nilText = "<nil>"

// question is the name of what is asked for in any(dns.questions, ...).
const question = "dns.questions"

// pathOf reads a property: a.b, a?.b, a["b"], string(a.b), lower(a.b) and, in questions, .b.
func pathOf(n ast.Node) (o operand, ok bool) {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return operand{name: n.Value}, true
	case *ast.PointerNode:
		return operand{name: question + ".0"}, n.Name == ""
	case *ast.ChainNode:
		return pathOf(n.Node)
	case *ast.MemberNode:
		return member(n)
	case *ast.BuiltinNode:
		if len(n.Arguments) == 1 && (n.Name == "string" || n.Name == "lower") {
			o, ok = pathOf(n.Arguments[0])
			o.text = o.text || n.Name == "string"
			o.fragile = o.fragile || !o.text && n.Name == "lower"
			return o, ok && strings.Contains(o.name, ".")
		}
	case *ast.BinaryNode:
		// a ?? "" is a text that fits nothing, where there is none
		if empty, is := n.Right.(*ast.StringNode); is && n.Operator == "??" && empty.Value == "" {
			return pathOf(n.Left)
		}
	}
	return operand{}, false
}

func member(n *ast.MemberNode) (operand, bool) {
	o, ok := pathOf(n.Node)
	if !ok || o.text {
		return operand{}, false
	}
	switch p := n.Property.(type) {
	case *ast.StringNode:
		o.name += "." + p.Value
	case *ast.IntegerNode:
		o.name += "." + strconv.Itoa(p.Value)
	default:
		return operand{}, false
	}
	// What stands behind ?. is skipped with it, up to the end of the chain.
	_, ended := n.Node.(*ast.ChainNode)
	_, first := n.Node.(*ast.IdentifierNode)
	o.fragile = o.fragile || (first || ended) && !n.Optional
	return o, true
}

// questions gives what any(dns.questions, {...}) or none of it asks of a question. A query has one.
func questions(n *ast.BuiltinNode) (body ast.Node, ok bool) {
	if n.Name != "any" && n.Name != "none" || len(n.Arguments) != 2 {
		return nil, false
	}
	o, ok := pathOf(n.Arguments[0])
	closure, is := n.Arguments[1].(*ast.ClosureNode)
	if !ok || !is || o.name != question {
		return nil, false
	}
	return closure.Node, true
}

// short is a part of an expression for a message.
func short(n ast.Node) string {
	s := strings.Join(strings.Fields(n.String()), " ")
	if r := []rune(s); len(r) > 80 {
		s = string(r[:80]) + "..."
	}
	return s
}
