package trace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"dpilab/rules"
)

// osFiles opens any path, absolute or with dots, which os.DirFS does not.
type osFiles struct{}

func (osFiles) Open(name string) (fs.File, error) { return os.Open(name) }

// inline is the indented block behind "with:".
type inline struct {
	first int // line of the first of lines
	lines []string
}

// written is the name that policies written in a trace have.
const written = "trace"

// readPolicy reads a policy by its name, by its file, or as it is written in the trace; w is the name, empty without one.
func (p *parser) readPolicy(w word, block *inline) (policyRef, error) {
	var policy *rules.Policy
	var err error
	switch {
	case block != nil:
		policy, err = p.writtenPolicy(w, block)
	case strings.HasSuffix(w.text, ".yaml"):
		var data []byte
		file := path.Join(path.Dir(p.file), w.text)
		if data, err = fs.ReadFile(p.files, file); err == nil {
			policy, err = rules.Parse(file, data, p.files)
		}
	case p.policies[w.text].compiled != nil:
		return p.policies[w.text], nil
	default:
		policy, err = rules.Shipped(w.text)
	}
	var bad *rules.Error
	if err != nil && !(errors.As(err, &bad) && (block != nil || bad.Line > 0)) {
		return policyRef{}, fail(p.file, w.at, "%s", err)
	}
	if err != nil {
		return policyRef{}, err
	}
	policy.Profile.Flows = min(policy.Profile.Flows, maxFlows)
	c, err := policy.Compile()
	if err != nil {
		return policyRef{}, err
	}
	ref := policyRef{policy, c}
	if block == nil {
		p.policies[w.text] = ref
	}
	return ref, nil
}

// maxFlows bounds the flow tables of a trace's boxes: it has few flows, and a table of a million is slow to make.
const maxFlows = 1 << 13

// writtenPolicy puts a head before the block; errors are moved to where the block stands.
func (p *parser) writtenPolicy(w word, block *inline) (*rules.Policy, error) {
	head := []string{"policy: " + written, "date: 2000-01-01", "about: written in a trace"}
	if w.text != "" {
		head = append(head, fmt.Sprintf("extends: %q", w.text))
	}
	indent := len(block.lines[0]) - len(strings.TrimLeft(block.lines[0], " "))
	for i, line := range block.lines {
		cut := min(indent, len(line)-len(strings.TrimLeft(line, " ")))
		if strings.TrimSpace(line) != "" && cut < indent {
			return nil, fail(p.file, place{block.first + i, cut + 1}, "found less indentation than in line %d, expected as much", block.first)
		}
		head = append(head, line[cut:])
	}
	file := path.Join(path.Dir(p.file), written+".yaml")
	policy, err := rules.Parse(file, []byte(strings.Join(head, "\n")+"\n"), p.files)
	var bad *rules.Error
	if errors.As(err, &bad) && bad.File == file {
		moved := *bad
		moved.File, moved.Line = p.file, bad.Line-(len(head)-len(block.lines))+block.first-1
		if moved.Line < block.first { // it is about the name
			moved.Line, moved.Column = w.at.line, w.at.column
		} else if moved.Column > 0 {
			moved.Column += indent
		}
		err = &moved
	}
	return policy, err
}
