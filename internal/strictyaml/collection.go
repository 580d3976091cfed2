package strictyaml

import (
	"slices"

	"github.com/goccy/go-yaml/ast"
)

// Field is a key of a mapping and what it has.
type Field struct {
	Key  Node
	Name string // the key's word
	Node
}

// IsMapping tells whether keys and values are here.
func (n Node) IsMapping() bool {
	_, ok := n.pairs()
	return ok
}

// IsEmpty tells whether {} is here.
func (n Node) IsEmpty() bool {
	pairs, ok := n.pairs()
	return ok && len(pairs) == 0
}

func (n Node) pairs() ([]*ast.MappingValueNode, bool) {
	switch m := n.ast.(type) {
	case *ast.MappingNode:
		return m.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}, true
	}
	return nil, false
}

// Fields gives the keys of a mapping in their order, one or more, each once. Other keys than these are refused; without
// keys any are taken.
func (n Node) Fields(what string, keys ...string) ([]Field, error) {
	pairs, _ := n.pairs()
	if len(pairs) == 0 {
		return nil, n.Expected(what)
	}
	all, first := make([]Field, len(pairs)), make(map[string]Node, len(pairs))
	for i, v := range pairs {
		key := Node{n.File, v.Key}
		name, ok := key.Word()
		switch {
		case !ok && keys == nil:
			return nil, key.Expected("a key")
		case !ok:
			return nil, key.Expected("a key: " + OrList(keys))
		case keys != nil && !slices.Contains(keys, name):
			return nil, key.Fail("found the key %s, expected %s%s", quote(name), OrList(keys), Suggest(name, keys))
		case !first[name].IsZero():
			return nil, key.Fail("found the key %s twice, expected it once; the first is in line %d", quote(name), first[name].Line())
		}
		first[name] = key
		all[i] = Field{key, name, Node{n.File, v.Value}}
	}
	return all, nil
}

// Require refuses a mapping that lacks one of these keys. Kind takes "a" before it, such as "rule".
func (n Node) Require(fields []Field, kind string, keys ...string) error {
	for _, key := range keys {
		if Find(fields, key) == nil {
			return n.Fail("found a %s without the key %q, expected %s", kind, key, list(keys, " and "))
		}
	}
	return nil
}

// Find gives the field of that name, or nil.
func Find(fields []Field, name string) *Field {
	for i := range fields {
		if fields[i].Name == name {
			return &fields[i]
		}
	}
	return nil
}

// Items gives the entries of a list, one or more.
func (n Node) Items(what string) ([]Node, error) {
	s, ok := n.ast.(*ast.SequenceNode)
	if !ok || len(s.Values) == 0 {
		return nil, n.Expected(what)
	}
	all := make([]Node, len(s.Values))
	for i, v := range s.Values {
		all[i] = Node{n.File, v}
	}
	return all, nil
}

// OneOrMore gives the entries of a list, or the value that stands alone.
func (n Node) OneOrMore(what string) ([]Node, error) {
	if _, ok := n.ast.(*ast.SequenceNode); ok {
		return n.Items(what)
	}
	return []Node{n}, nil
}

// Texts gives the words of a list; one says what each should be.
func (n Node) Texts(what, one string) ([]string, error) {
	items, err := n.Items(what)
	if err != nil {
		return nil, err
	}
	all := make([]string, len(items))
	for i, item := range items {
		if all[i], err = item.Text(one); err != nil {
			return nil, err
		}
	}
	return all, nil
}
