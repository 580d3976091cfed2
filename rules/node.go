package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// node is a part of a policy file with its place.
type node struct {
	file string
	ast  ast.Node
}

// field is a key of a mapping and what it has.
type field struct {
	key  node
	name string
	node
}

// fail makes an error at this place.
func (n node) fail(format string, args ...any) error {
	e := &Error{File: n.file, Text: fmt.Sprintf(format, args...)}
	e.Line, e.Column = n.position()
	return e
}

// expected makes an error that says what is here and what should be.
func (n node) expected(what string) error {
	return n.fail("found %s, expected %s", n.describe(), what)
}

// start is the node that is written first: the token of a block mapping is its first colon.
func (n node) start() ast.Node {
	switch m := n.ast.(type) {
	case *ast.DocumentNode:
		if m.Body != nil {
			return node{n.file, m.Body}.start()
		}
	case *ast.MappingNode:
		if !m.IsFlowStyle && len(m.Values) > 0 {
			return m.Values[0].Key
		}
	case *ast.MappingValueNode:
		return m.Key
	}
	return n.ast
}

func (n node) describe() string {
	switch n.ast.(type) {
	case *ast.DocumentNode:
		return "a second document"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "nothing"
	case *ast.LiteralNode:
		return "a text block"
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		return "YAML's & * or !, which policies do not use"
	}
	return quote(n.ast.GetToken().Value)
}

// quote keeps messages short.
func quote(s string) string {
	if len(s) > 80 {
		return fmt.Sprintf("%q and %d bytes more", s[:80], len(s)-80)
	}
	return fmt.Sprintf("%q", s)
}

// word gives a text, number or truth value as written.
func (n node) word() (string, bool) {
	switch n.ast.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.ast.GetToken().Value, true
	}
	return "", false
}

// text gives what a key that wants words has: one line, not empty.
func (n node) text(what string) (string, error) {
	s, ok := n.word()
	if !ok || strings.TrimSpace(s) == "" || strings.ContainsAny(s, "\n\r") {
		return "", n.expected(what)
	}
	return s, nil
}

// oneOf gives the index of the word that is here.
func (n node) oneOf(words ...string) (int, error) {
	s, _ := n.word()
	if i := slices.Index(words, s); i >= 0 {
		return i, nil
	}
	return 0, n.fail("found %s, expected %s%s", n.describe(), orList(words), suggest(s, words))
}

func orList(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// fields gives the keys of a mapping in their order. Other keys than these are refused.
func (n node) fields(what string, keys ...string) ([]field, error) {
	var values []*ast.MappingValueNode
	switch m := n.ast.(type) {
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	default:
		return nil, n.expected(what)
	}
	if len(values) == 0 {
		return nil, n.fail("found nothing in the brackets, expected %s", what)
	}
	var all []field
	for _, v := range values {
		key := node{n.file, v.Key}
		name, ok := key.word()
		if !ok {
			return nil, key.expected("a key: " + orList(keys))
		}
		if keys != nil && !slices.Contains(keys, name) {
			return nil, key.fail("found the key %s, expected %s%s", quote(name), orList(keys), suggest(name, keys))
		}
		for _, f := range all {
			if f.name == name {
				return nil, key.fail("found the key %q twice, expected it once; the first is in line %d", name, f.key.line())
			}
		}
		all = append(all, field{key, name, node{n.file, v.Value}})
	}
	return all, nil
}

func (n node) position() (line, column int) {
	if start := n.start(); start != nil {
		if t := start.GetToken(); t != nil && t.Position != nil {
			return t.Position.Line, t.Position.Column
		}
	}
	return 0, 0
}

func (n node) line() int {
	line, _ := n.position()
	return line
}

// items gives the entries of a list.
func (n node) items(what string) ([]node, error) {
	s, ok := n.ast.(*ast.SequenceNode)
	if !ok {
		return nil, n.expected(what)
	}
	if len(s.Values) == 0 {
		return nil, n.fail("found an empty list, expected %s", what)
	}
	all := make([]node, len(s.Values))
	for i, v := range s.Values {
		all[i] = node{n.file, v}
	}
	return all, nil
}

// oneOrMore gives the entries of a list, or the value that stands alone.
func (n node) oneOrMore(what string) ([]node, error) {
	if _, ok := n.ast.(*ast.SequenceNode); ok {
		return n.items(what)
	}
	return []node{n}, nil
}

func find(fields []field, name string) *field {
	for i := range fields {
		if fields[i].name == name {
			return &fields[i]
		}
	}
	return nil
}
