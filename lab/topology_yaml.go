package lab

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

// place is where something stands in a file, from 1.
type place struct{ line, column int }

func placeOf(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{1, 1}
	}
	return place{t.Position.Line, t.Position.Column}
}

// reader reads a YAML tree strictly. The first error is kept and everything after it does nothing.
type reader struct {
	file   string
	places map[string]place
	err    error
}

// entry is a key of a mapping, or an element of a sequence with the key "".
type entry struct {
	key  string
	at   place
	path string
	node ast.Node
}

func (r *reader) fail(at place, path, format string, args ...any) {
	if r.err == nil {
		text := strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " ") // one line, whatever the file holds
		r.err = &TopologyError{File: r.file, Line: at.line, Column: at.column, Path: path, Text: text}
	}
}

// root parses the file.
func (r *reader) root(data []byte) entry {
	f, err := parser.ParseBytes(data, 0)
	if err != nil {
		var y yaml.Error
		at, text := place{1, 1}, err.Error()
		if errors.As(err, &y) {
			at, text = placeOf(y.GetToken()), y.GetMessage()
		}
		r.fail(at, "", "%s", text)
		return entry{}
	}
	if len(f.Docs) != 1 || f.Docs[0].Body == nil {
		r.fail(place{1, 1}, "", "the file needs one YAML document with keys and values in it")
		return entry{}
	}
	return entry{at: place{1, 1}, node: f.Docs[0].Body}
}

// mapping gives the entries of a mapping in the order of the file; allowed, when given, are the keys that may stand there.
// That no key stands twice the parser has seen to.
func (r *reader) mapping(e entry, allowed ...string) []entry {
	var values []*ast.MappingValueNode
	switch n := e.node.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	default:
		if e.node != nil {
			r.fail(e.at, e.path, "%s needs keys and values, not %s", say(e), kind(e.node))
		}
		return nil
	}
	var all []entry
	for _, v := range values {
		at := placeOf(v.Key.GetToken())
		key, ok := scalar(v.Key)
		child := entry{key: key, at: at, path: join(e.path, key), node: v.Value}
		switch {
		case !ok:
			r.fail(at, e.path, "a key must be a plain word, not %s", kind(v.Key))
		case len(allowed) > 0 && !slices.Contains(allowed, key):
			r.fail(at, child.path, "unknown key %q; known here: %s", key, strings.Join(allowed, ", "))
		}
		r.mark(child)
		all = append(all, child)
	}
	return all
}

// sequence gives the elements of a sequence.
func (r *reader) sequence(e entry) []entry {
	n, ok := e.node.(*ast.SequenceNode)
	if !ok {
		if e.node != nil {
			r.fail(e.at, e.path, "%s needs a list, not %s", say(e), kind(e.node))
		}
		return nil
	}
	all := make([]entry, len(n.Values))
	for i, v := range n.Values {
		all[i] = entry{at: start(v), path: fmt.Sprintf("%s[%d]", e.path, i), node: v}
		r.mark(all[i])
	}
	return all
}

// text gives a scalar as written.
func (r *reader) text(e entry) string {
	s, ok := scalar(e.node)
	if !ok && e.node != nil {
		r.fail(e.at, e.path, "%s needs a word, not %s", say(e), kind(e.node))
	}
	return s
}

// texts gives a list of scalars.
func (r *reader) texts(e entry) []string {
	var all []string
	for _, v := range r.sequence(e) {
		all = append(all, r.text(v))
	}
	return all
}

func (r *reader) mark(e entry) {
	if e.path != "" {
		r.places[e.path] = e.at
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func say(e entry) string {
	if e.path == "" {
		return "the file"
	}
	return e.path
}

// start is where a node begins; the token of a mapping is its first colon.
func start(n ast.Node) place {
	switch m := n.(type) {
	case *ast.MappingNode:
		if !m.IsFlowStyle && len(m.Values) > 0 {
			return placeOf(m.Values[0].Key.GetToken())
		}
	case *ast.MappingValueNode:
		return placeOf(m.Key.GetToken())
	}
	return placeOf(n.GetToken())
}

func scalar(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func kind(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "keys and values"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "nothing"
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		return "an anchor, alias or tag"
	}
	return fmt.Sprintf("%q", n.GetToken().Value)
}
