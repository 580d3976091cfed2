package rules

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
)

// maxPolicy is the size of a policy file: names by the million belong into lists.
const maxPolicy = 1 << 20

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
