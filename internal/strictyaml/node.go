package strictyaml

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// Node is a part of a file with its place. The zero Node stands for a part that is not there: it has no place, and is asked
// for nothing but IsZero and Fail.
type Node struct {
	File string // as given to Parse
	ast  ast.Node
}

// IsZero tells whether this is no part of a file.
func (n Node) IsZero() bool { return n.ast == nil }

// Fail makes an error at this place.
func (n Node) Fail(format string, args ...any) error {
	e := &Error{File: n.File, Text: fmt.Sprintf(format, args...)}
	if t := n.start(); t != nil {
		e.Line, e.Column = t.Position.Line, t.Position.Column
	}
	return e
}

// FailAt makes an error at that byte of the word which is here.
func (n Node) FailAt(offset int, format string, args ...any) error {
	e := n.Fail(format, args...).(*Error)
	word, _ := n.Word()
	e.Column += utf8.RuneCountInString(word[:min(offset, len(word))])
	if t := n.start(); t != nil && (t.Type == token.DoubleQuoteType || t.Type == token.SingleQuoteType) {
		e.Column++
	}
	return e
}

// Expected makes an error that says what is here and what should be.
func (n Node) Expected(what string) error {
	return n.Fail("found %s, expected %s", n.Describe(), what)
}

// Line gives the line, from 1.
func (n Node) Line() int {
	if t := n.start(); t != nil {
		return t.Position.Line
	}
	return 0
}

// start is what is written first: the token of a block mapping is its first colon. It is nil or has a position.
func (n Node) start() *token.Token {
	first := n.ast
	switch m := n.ast.(type) {
	case nil:
		return nil
	case *ast.DocumentNode:
		if m.Body == nil {
			return m.Start
		}
		return Node{n.File, m.Body}.start()
	case *ast.MappingNode:
		if !m.IsFlowStyle && len(m.Values) > 0 {
			first = m.Values[0].Key
		}
	case *ast.MappingValueNode:
		first = m.Key
	}
	if t := first.GetToken(); t != nil && t.Position != nil {
		return t
	}
	return nil
}

// Describe says for a message what is here: the word in quotes, or the kind of thing.
func (n Node) Describe() string {
	switch v := n.ast.(type) {
	case *ast.MappingNode:
		if len(v.Values) == 0 {
			return "nothing in the brackets"
		}
		return "a mapping"
	case *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		if len(v.Values) == 0 {
			return "an empty list"
		}
		return "a list"
	case *ast.NullNode:
		return "nothing"
	case *ast.LiteralNode:
		return "a text block"
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		return "an anchor, alias or tag"
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

// Word gives a text, number or truth value as written.
func (n Node) Word() (string, bool) {
	switch n.ast.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.ast.GetToken().Value, true
	}
	return "", false
}

// Text gives a word of one line that is not empty. What it should be is for the message, as everywhere below.
func (n Node) Text(what string) (string, error) {
	s, ok := n.Word()
	if !ok || strings.TrimSpace(s) == "" || strings.ContainsAny(s, "\n\r") {
		return "", n.Expected(what)
	}
	return s, nil
}

// Prose gives a text, or a text block with its lines joined.
func (n Node) Prose(what string) (string, error) {
	if block, ok := n.ast.(*ast.LiteralNode); ok {
		return strings.Join(strings.Fields(block.Value.Value), " "), nil
	}
	return n.Text(what)
}

// Label gives a name of our own making: small letters, digits, hyphens.
func (n Node) Label(what string) (string, error) {
	s, ok := n.Word()
	if !ok || !IsLabel(s) {
		return "", n.Expected(what + " of small letters, digits and hyphens")
	}
	return s, nil
}

// OneOf gives the index of the word that is here.
func (n Node) OneOf(words ...string) (int, error) {
	s, _ := n.Word()
	if i := slices.Index(words, s); i >= 0 {
		return i, nil
	}
	return 0, n.Fail("found %s, expected %s%s", n.Describe(), OrList(words), Suggest(s, words))
}

// Lines gives a text that is not empty, of one line or more: a text block as it stands.
func (n Node) Lines(what string) (string, error) {
	s, ok := n.Word()
	if block, is := n.ast.(*ast.LiteralNode); is {
		s, ok = block.Value.Value, true
	}
	if !ok || strings.TrimSpace(s) == "" {
		return "", n.Expected(what)
	}
	return s, nil
}
