package lab

import (
	"fmt"
	"strings"

	"dpilab/internal/strictyaml"
)

// reader keeps the first error, after which it reads nothing, and the place of each thing by its path.
type reader struct {
	places map[string]strictyaml.Node
	err    error
}

// entry is what a key of a mapping has, or an element of a list, whose key is "".
type entry struct {
	strictyaml.Node
	key, path string
}

func (r *reader) keep(err error) {
	if r.err == nil {
		r.err = err
	}
}

// mapping gives what a mapping has, in the order of the file. Unlike Fields it takes {}.
func (r *reader) mapping(e entry, what string, keys ...string) []entry {
	if r.err != nil || e.IsEmpty() {
		return nil
	}
	fields, err := e.Fields(what, keys...)
	r.keep(err)
	all := make([]entry, len(fields))
	for i, f := range fields {
		all[i] = entry{f.Node, f.Name, strings.TrimPrefix(e.path+"."+f.Name, ".")}
		r.places[all[i].path] = f.Key
	}
	return all
}

func (r *reader) list(e entry, what string) []entry {
	if r.err != nil {
		return nil
	}
	items, err := e.Items(what)
	r.keep(err)
	all := make([]entry, len(items))
	for i, n := range items {
		all[i] = entry{Node: n, path: fmt.Sprintf("%s[%d]", e.path, i)}
		r.places[all[i].path] = n
	}
	return all
}

func (r *reader) text(e entry, what string) string {
	s, err := e.Text(what)
	r.keep(err)
	return s
}
