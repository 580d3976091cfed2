package trace

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// scope is what the blocks around a line give it.
type scope struct {
	vars   map[string]string
	groups []*group
}

func (sc scope) with(name, value string) scope {
	vars := maps.Clone(sc.vars)
	if vars == nil {
		vars = map[string]string{}
	}
	vars[name] = value
	sc.vars = vars
	return sc
}

// substitute replaces {name}.
func (sc scope) substitute(text string) string {
	if len(sc.vars) == 0 || !strings.Contains(text, "{") {
		return text
	}
	for name, value := range sc.vars {
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	return text
}

// loop expands a block.
func (p *parser) loop(first string, s *scanner, l line, next, block int, sc scope) error {
	name, values := "n", []string(nil)
	if first == "repeat" {
		n, err := s.number("a number of rounds", 1, maxEvents)
		if err != nil {
			return err
		}
		values = make([]string, n)
	} else {
		name = s.next().text
		var err error
		if values, err = p.values(s); err != nil {
			return err
		}
	}
	var every time.Duration
	var err error
	if s.take("every") {
		if every, err = s.duration(); err != nil {
			return err
		}
	}
	want, err := p.expectation(s)
	if err != nil {
		return err
	}
	if s.more() {
		return s.expected(s.peek(), "every, =>, <= or the end of the line")
	}
	if block == next {
		return fail(p.file, place{line: l.number}, "found no indented line behind %s, expected what is to be repeated", first)
	}
	if want != nil {
		sc.groups = append(slices.Clip(sc.groups), &group{l.number, want})
	}
	for i, value := range values {
		inner := sc.with("n", strconv.Itoa(i+1))
		if first == "each" {
			inner = inner.with(name, value)
		}
		if i > 0 && every > 0 {
			if err := p.append(event{line: l.number, do: pause{every}}, sc); err != nil {
				return err
			}
		}
		if err := p.block(next, block, inner); err != nil {
			return err
		}
	}
	if want != nil && len(p.t.events) > 0 {
		last := &p.t.events[len(p.t.events)-1]
		last.closes = append(last.closes, sc.groups[len(sc.groups)-1])
	}
	return nil
}

// values reads words, and ranges of numbers.
func (p *parser) values(s *scanner) (all []string, err error) {
	for s.more() {
		w := s.peek()
		if !w.quoted && (w.text == "every" || w.text == "=>" || w.text == "<=") {
			break
		}
		s.i++
		lo, hi, ok := span(w.text)
		if !ok || !strings.Contains(w.text, "..") {
			all = append(all, w.text)
			continue
		}
		if hi-lo >= maxEvents {
			return nil, s.expected(w, "a shorter range")
		}
		for n := int(lo); n <= int(hi); n++ {
			all = append(all, strconv.Itoa(n))
		}
	}
	if len(all) == 0 {
		return nil, s.expected(s.peek(), "values such as 1..1023 or a.com b.com")
	}
	return all, nil
}

// block reads the lines from index from to to, which are all indented alike but for deeper blocks.
func (p *parser) block(from, to int, sc scope) error {
	indent := -1
	for i := from; i < to; {
		l, next, ok := p.lineAt(i, to)
		if !ok {
			i++
			continue
		}
		if indent < 0 {
			indent = l.indent
		}
		if l.indent != indent {
			return fail(p.file, place{l.number, l.indent + 1}, "found another indentation than in the block's first line, expected %d spaces", indent)
		}
		end := p.blockEnd(next, to, indent)
		if err := p.statement(l, next, end, sc); err != nil {
			return err
		}
		i = end
		if end == next {
			i = next
		}
	}
	return nil
}
