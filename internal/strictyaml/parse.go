// Package strictyaml reads the YAML files that people write for dpilab: policies, topologies, scenarios. It gives the parts
// of a file with their places, and refuses what is likely a slip: a key that is not known or stands twice, nothing where
// something belongs, a second document, anchors, aliases and tags. Every error is an *Error of one line, which says what
// was found, where, and what was expected.
//
// A caller asks each Node for what should be there:
//
//	top, err := strictyaml.Parse(file, data, "policy")
//	fields, err := top.Fields("a policy", "policy", "date", "about")
//	for _, f := range fields {
//		switch f.Name {
//		case "date":
//			date, err = f.Text("a date such as 2026-02-12")
//
// What the words mean (times, rates, prefixes) is the caller's business, who tells of a wrong one by Node.Expected or
// Node.Fail. Nodes only point into the parsed file: any number of goroutines may read them.
package strictyaml

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
)

// A file has far less of both, and a recursive parser becomes slow with far more.
const (
	maxSize    = 1 << 20 // bytes
	maxNesting = 32
)

// Parse gives the top of the one document that a file has. The file's name is for messages, and so is kind, a word that
// takes "a" before it, such as "policy". Errors are of type *Error.
func Parse(file string, data []byte, kind string) (n Node, err error) {
	if len(data) > maxSize {
		return n, &Error{File: file, Text: fmt.Sprintf("found %d bytes, expected at most %d", len(data), maxSize)}
	}
	text := strings.ReplaceAll(strings.TrimPrefix(string(data), "\ufeff"), "\r\n", "\n")
	if depth := nesting(text); depth > maxNesting {
		return n, &Error{File: file, Text: fmt.Sprintf("found lists %d deep in each other, expected at most %d", depth, maxNesting)}
	}
	defer func() { // the YAML library is not ours, and a file must never end the program
		if recover() != nil {
			n, err = Node{}, &Error{File: file, Text: "not YAML"}
		}
	}()
	tree, err := parser.ParseBytes([]byte(text), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return n, syntaxError(file, err)
	}
	if len(tree.Docs) == 0 || tree.Docs[0].Body == nil {
		return n, &Error{File: file, Line: 1, Column: 1, Text: "found nothing, expected a " + kind}
	}
	if len(tree.Docs) > 1 { // also an empty one, behind which the library reads no further
		return n, Node{file, tree.Docs[1]}.Fail("found a second document, expected one %s in a file", kind)
	}
	return Node{file, tree.Docs[0].Body}, nil
}

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
