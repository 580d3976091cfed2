package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxPolicy is the size of a policy file: names by the million belong into lists.
const maxPolicy = 1 << 20

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

// readYAML gives the top of the one document that a file has.
func readYAML(file string, data []byte) (n node, err error) {
	if len(data) > maxPolicy {
		return n, &Error{File: file, Text: fmt.Sprintf("found %d bytes, expected at most %d; names belong into lists", len(data), maxPolicy)}
	}
	text := strings.ReplaceAll(strings.TrimPrefix(string(data), "\ufeff"), "\r\n", "\n")
	if depth := nesting(text); depth > maxNesting {
		return n, &Error{File: file, Text: fmt.Sprintf("found lists %d deep in each other, expected at most %d", depth, maxNesting)}
	}
	defer func() { // the YAML library is not ours, and a file must never end the program
		if r := recover(); r != nil {
			n, err = node{}, &Error{File: file, Text: "not YAML"}
		}
	}()
	tree, err := parser.ParseBytes([]byte(text), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return n, syntaxError(file, err)
	}
	if len(tree.Docs) == 0 || tree.Docs[0].Body == nil {
		return n, &Error{File: file, Line: 1, Column: 1, Text: "found nothing, expected a policy"}
	}
	if len(tree.Docs) > 1 {
		return n, node{file, tree.Docs[1]}.expected("one policy in a file")
	}
	return node{file, tree.Docs[0].Body}, nil
}

// maxNesting is far more than a policy needs and far less than what makes a recursive parser slow.
const maxNesting = 32

// nesting counts brackets, and dashes in a row, each of which opens a list in the one before. Some may stand in a text or
// comment: a few too many are harmless.
func nesting(text string) int {
	depth, deepest := 0, 0
	for line := range strings.SplitSeq(text, "\n") {
		dashes := 0
		for rest := strings.TrimLeft(line, " "); strings.HasPrefix(rest, "- "); rest = strings.TrimLeft(rest[1:], " ") {
			dashes++
		}
		deepest = max(deepest, dashes)
		for _, c := range []byte(line) {
			switch c {
			case '[', '{':
				depth++
				deepest = max(deepest, depth)
			case ']', '}':
				depth--
			}
		}
	}
	return deepest
}

func syntaxError(file string, err error) error {
	if e := yaml.Error(nil); errors.As(err, &e) && e.GetToken() != nil && e.GetToken().Position != nil {
		at := e.GetToken().Position
		return &Error{File: file, Line: at.Line, Column: at.Column, Text: "not YAML: " + oneLine(e.GetMessage())}
	}
	return &Error{File: file, Text: "not YAML: " + oneLine(err.Error())}
}

func oneLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
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
