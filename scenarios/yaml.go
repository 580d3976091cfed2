package scenarios

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const (
	maxScenario = 1 << 20 // bytes of a file
	maxNesting  = 32      // brackets: far more than a scenario needs, far less than what makes a recursive parser slow
)

// node is a part of a scenario file with its place.
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
	if len(data) > maxScenario {
		return n, &Error{File: file, Text: fmt.Sprintf("found %d bytes, expected at most %d", len(data), maxScenario)}
	}
	text := strings.ReplaceAll(strings.TrimPrefix(string(data), "\ufeff"), "\r\n", "\n")
	if depth := nesting(text); depth > maxNesting {
		return n, &Error{File: file, Text: fmt.Sprintf("found brackets %d deep, expected at most %d", depth, maxNesting)}
	}
	defer func() { // the YAML library is not ours, and a file must never end the program
		if recover() != nil {
			n, err = node{}, &Error{File: file, Text: "not YAML"}
		}
	}()
	tree, err := parser.ParseBytes([]byte(text), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return n, syntaxError(file, err)
	}
	if len(tree.Docs) == 0 || tree.Docs[0].Body == nil {
		return n, &Error{File: file, Line: 1, Column: 1, Text: "found nothing, expected a scenario"}
	}
	if len(tree.Docs) > 1 && tree.Docs[1].Body != nil {
		return n, node{file, tree.Docs[1].Body}.fail("found a second document, expected one scenario in a file")
	}
	return node{file, tree.Docs[0].Body}, nil
}

func nesting(text string) int {
	depth, deepest := 0, 0
	for _, c := range []byte(text) {
		switch c {
		case '[', '{':
			depth++
			deepest = max(deepest, depth)
		case ']', '}':
			depth--
		}
	}
	return deepest
}

func syntaxError(file string, err error) error {
	e := &Error{File: file, Text: err.Error()}
	if y := yaml.Error(nil); errors.As(err, &y) {
		e.Text = y.GetMessage()
		if t := y.GetToken(); t != nil && t.Position != nil {
			e.Line, e.Column = t.Position.Line, t.Position.Column
		}
	}
	e.Text, _, _ = strings.Cut("not YAML: "+e.Text, "\n")
	return e
}

// fail makes an error at this place.
func (n node) fail(format string, args ...any) error { return n.failAt(0, format, args...) }

// failAt makes an error that many columns behind this place.
func (n node) failAt(offset int, format string, args ...any) error {
	e := &Error{File: n.file, Text: fmt.Sprintf(format, args...)}
	if e.Line, e.Column = n.position(); e.Column > 0 {
		e.Column += offset
	}
	return e
}

// expected makes an error that says what is here and what should be.
func (n node) expected(what string) error {
	return n.fail("found %s, expected %s", n.describe(), what)
}

// start is what is written first: the token of a block mapping is its first colon.
func (n node) start() ast.Node {
	switch m := n.ast.(type) {
	case *ast.MappingNode:
		if !m.IsFlowStyle && len(m.Values) > 0 {
			return m.Values[0].Key
		}
	case *ast.MappingValueNode:
		return m.Key
	}
	return n.ast
}

func (n node) position() (line, column int) {
	start := n.start()
	if start == nil {
		return 0, 0
	}
	t := start.GetToken()
	if t == nil || t.Position == nil {
		return 0, 0
	}
	column = t.Position.Column
	if t.Type == token.DoubleQuoteType || t.Type == token.SingleQuoteType {
		column++ // so that an offset counts from the first letter
	}
	return t.Position.Line, column
}

func (n node) describe() string {
	switch n.ast.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		if len(n.ast.(*ast.SequenceNode).Values) == 0 {
			return "an empty list"
		}
		return "a list"
	case *ast.NullNode:
		return "nothing"
	case *ast.LiteralNode:
		return "a text block"
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		return "YAML's & * or !, which scenarios do not use"
	}
	return fmt.Sprintf("%q", n.ast.GetToken().Value)
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

// oneOf gives the word that is here, one of these.
func (n node) oneOf(words ...string) (string, error) {
	s, _ := n.word()
	if slices.Contains(words, s) {
		return s, nil
	}
	return "", n.fail("found %s, expected %s%s", n.describe(), orList(words), suggest(s, words))
}

// fields gives the keys of a mapping in their order. Other keys than these are refused.
func (n node) fields(what string, keys ...string) ([]field, error) {
	var values []*ast.MappingValueNode
	switch m := n.ast.(type) {
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	}
	if len(values) == 0 {
		return nil, n.expected(what)
	}
	var all []field
	for _, v := range values {
		key := node{n.file, v.Key}
		name, ok := key.word()
		if !ok {
			return nil, key.expected("a key: " + orList(keys))
		}
		if !slices.Contains(keys, name) {
			return nil, key.fail("found the key %q, expected %s%s", name, orList(keys), suggest(name, keys))
		}
		if slices.ContainsFunc(all, func(f field) bool { return f.name == name }) {
			return nil, key.fail("found the key %q twice, expected it once", name)
		}
		all = append(all, field{key, name, node{n.file, v.Value}})
	}
	return all, nil
}

// items gives the entries of a list.
func (n node) items(what string) ([]node, error) {
	s, ok := n.ast.(*ast.SequenceNode)
	if !ok || len(s.Values) == 0 {
		return nil, n.expected(what)
	}
	all := make([]node, len(s.Values))
	for i, v := range s.Values {
		all[i] = node{n.file, v}
	}
	return all, nil
}

// texts gives the words of a list.
func (n node) texts(list, one string) ([]string, error) {
	items, err := n.items(list)
	if err != nil {
		return nil, err
	}
	all := make([]string, len(items))
	for i, item := range items {
		if all[i], err = item.text(one); err != nil {
			return nil, err
		}
	}
	return all, nil
}
