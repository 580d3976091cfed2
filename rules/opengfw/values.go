package opengfw

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// name reads a comparison of a name.
func (l *literal) name(key string, o operand, op string, right ast.Node) {
	values, ok := texts("==", right)
	pattern, fits := "", func(string, string) bool { return false }
	switch op {
	case "==", "in":
		values, ok = texts(op, right)
		pattern, fits = "=%s", func(name, v string) bool { return name == v }
	case "endsWith":
		pattern, fits = "*%s", strings.HasSuffix
	case "startsWith":
		pattern, fits = "%s*", strings.HasPrefix
	case "contains":
		pattern, fits = "*%s*", strings.Contains
	case "matches":
		pattern = "regexp:%s"
	}
	if !ok || pattern == "" {
		l.err = fmt.Errorf("%s: compared by %s with something other than a text", l.text, op)
		return
	}
	if op != "==" && op != "in" {
		l.fragile = l.fragile || !o.text // an error of nil
	}
	words := make([]string, 0, len(values))
	for _, v := range values {
		nothing := fits(nilText, v)
		if op == "matches" {
			r, err := regexp.Compile(v)
			if err != nil {
				l.err = fmt.Errorf("%s: %w", l.text, err)
				return
			}
			nothing = r.MatchString(nilText)
		}
		switch {
		case v == "":
			l.err = fmt.Errorf("%s: an empty text", l.text)
			return
		case nothing && o.text:
			l.err = fmt.Errorf("%s: holds of every stream without a name as well, since string() makes %q of nothing", l.text, nilText)
			return
		}
		if word := fmt.Sprintf(pattern, v); !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	l.cond[key] = words
}

// address reads a comparison of an address.
func (l *literal) address(key, op string, right ast.Node) {
	values, ok := texts(op, right)
	if !ok {
		if strings.Contains(l.text, "lookup(") {
			l.err = fmt.Errorf("%s: lookup asks a resolver about each stream; write the addresses as a list", l.text)
			return
		}
		l.err = fmt.Errorf("%s: an address is compared with others by == and in, or by cidr() and geoip()", l.text)
		return
	}
	var words []string
	for _, v := range values {
		a, err := netip.ParseAddr(v)
		if err != nil || a.Zone() != "" {
			l.err = fmt.Errorf("%s: %q is no address", l.text, v)
			return
		}
		if word := a.Unmap().String(); !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	l.cond[key] = words
}

// port reads a comparison of a number.
func (l *literal) port(key, op string, right ast.Node) {
	var spans []span
	switch r := right.(type) {
	case *ast.IntegerNode:
		switch op {
		case "==":
			spans = []span{{r.Value, r.Value}}
		case "<":
			spans = []span{{0, r.Value - 1}}
		case "<=":
			spans = []span{{0, r.Value}}
		case ">":
			spans = []span{{min(r.Value, 1<<16) + 1, 65535}}
		case ">=":
			spans = []span{{r.Value, 65535}}
		}
	case *ast.ArrayNode:
		if op == "in" {
			spans = integers(r.Nodes)
		}
	case *ast.BinaryNode:
		if between := integers([]ast.Node{r.Left, r.Right}); op == "in" && r.Operator == ".." && between != nil {
			spans = []span{{between[0].from, between[1].to}}
		}
	}
	if spans == nil {
		l.err = fmt.Errorf("%s: a port is compared with numbers", l.text)
		return
	}
	l.cond[key] = ports(spans...)
	if _, compared := right.(*ast.IntegerNode); compared && op != "==" && l.not {
		l.cond[key], l.not = beyond(l.cond[key]), false
	}
}

// beyond gives the ports that a single range leaves.
func beyond(one []string) []string {
	if len(one) == 0 {
		return ports(span{0, 65535})
	}
	s := parseSpan(one[0])
	return ports(span{0, s.from - 1}, span{s.to + 1, 65535})
}

// integers gives numbers as spans; nil if one is none.
func integers(nodes []ast.Node) []span {
	all := make([]span, len(nodes))
	for i, n := range nodes {
		v, ok := n.(*ast.IntegerNode)
		if !ok {
			return nil
		}
		all[i] = span{v.Value, v.Value}
	}
	return all
}
