package trace

import (
	"io/fs"
	"os"
	"path"
	"strings"
)

// Load reads a trace's file. Errors in it are of type *Error.
func Load(file string) (*Trace, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return Parse(file, data, osFiles{})
}

// Parse is Load for a trace whose bytes are at hand; policies and lists that it names by path are in files.
func Parse(file string, data []byte, files fs.FS) (*Trace, error) {
	if len(data) > 1<<20 {
		return nil, &Error{File: file, Text: "found more than a megabyte, expected a trace"}
	}
	p := &parser{
		file: file, files: files, policies: map[string]policyRef{},
		t: &Trace{
			Name: strings.TrimSuffix(path.Base(file), ".trace"), File: file, Seed: 1, Repeat: 1, boxes: map[string]policyRef{},
			lines: strings.Split(strings.TrimSuffix(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n"), "\n"),
		},
	}
	if err := p.all(); err != nil {
		return nil, err
	}
	return p.t, nil
}

type parser struct {
	file     string
	files    fs.FS
	t        *Trace
	policies map[string]policyRef // shipped ones and files, that were read already
	headOver bool
	headSeen bool
}

// line is one line of the script, with continuation lines joined.
type line struct {
	number int
	indent int
	text   string // without the indentation, which columns count again
}

func (p *parser) all() error {
	if err := p.body(0, len(p.t.lines)); err != nil {
		return err
	}
	if len(p.t.events) == 0 {
		return &Error{File: p.file, Line: len(p.t.lines), Text: "found no event, expected one such as > syn"}
	}
	return p.finish()
}

// body reads the top level: lines from to to.
func (p *parser) body(from, to int) error {
	for i := from; i < to; {
		l, next, ok := p.lineAt(i, to)
		if !ok {
			p.comment(i)
			i++
			continue
		}
		if l.indent > 0 {
			return fail(p.file, place{l.number, l.indent + 1}, "found an indented line, expected it within a block or at the margin")
		}
		block := p.blockEnd(next, to, l.indent)
		if err := p.statement(l, next, block, scope{}); err != nil {
			return err
		}
		i = max(block, next)
	}
	return nil
}

// lineAt reads the line at index i and those that continue it; ok is false for one without words.
func (p *parser) lineAt(i, to int) (l line, next int, ok bool) {
	text := strings.TrimRight(p.t.lines[i], " \t\r")
	l.number, next = i+1, i+1
	for strings.HasSuffix(text, `\`) && next < to {
		text = strings.TrimSuffix(text, `\`) + strings.TrimSpace(p.t.lines[next])
		next++
	}
	trimmed := strings.TrimLeft(text, " ")
	l.indent, l.text = len(text)-len(trimmed), text
	return l, next, trimmed != "" && trimmed[0] != '#'
}

// comment takes what the file begins with for the trace's about.
func (p *parser) comment(i int) {
	text, ok := strings.CutPrefix(strings.TrimSpace(p.t.lines[i]), "#")
	if ok && !p.headSeen && !p.headOver {
		p.t.About = strings.TrimSpace(p.t.About + " " + strings.TrimSpace(text))
	}
}

// blockEnd gives the index behind the lines that are indented deeper.
func (p *parser) blockEnd(i, to, indent int) int {
	end := i
	for ; i < to; i++ {
		text := p.t.lines[i]
		trimmed := strings.TrimLeft(text, " ")
		if strings.TrimSpace(trimmed) == "" || trimmed[0] == '#' {
			continue
		}
		if len(text)-len(trimmed) <= indent {
			break
		}
		end = i + 1
	}
	return end
}
