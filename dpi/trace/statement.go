package trace

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"dpilab/internal/strictyaml"
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

var statements = []string{">", "<", "flow", "handshake", "wait", "repeat", "each", "policy", "box"}

// statement reads a line and, from next to block, the indented ones that belong to it.
func (p *parser) statement(l line, next, block int, sc scope) error {
	l.text = sc.substitute(l.text)
	s, err := scan(p.file, l.number, l.text)
	if err != nil {
		return err
	}
	var below *inline
	if block > next {
		below = &inline{first: next + 1, lines: p.t.lines[next:block]}
	}
	first := s.peek().text
	if !p.headOver && p.isHead(s, below) {
		return p.head(l, below)
	}
	p.headOver = true
	s.i++
	switch first {
	case "repeat", "each":
		return p.loop(first, s, l, next, block, sc)
	case "policy", "box":
		return p.change(first, s, l, below, sc)
	}
	if below != nil {
		return fail(p.file, place{below.first, 1}, "found an indented line, expected it within repeat or each")
	}
	switch first {
	case ">", "<":
		return p.packetLine(first, s, l, sc)
	case "flow":
		do, err := p.flow(s)
		if err != nil {
			return err
		}
		return p.add(event{line: l.number, do: do}, s, sc)
	case "handshake":
		return p.handshake(s, l, sc)
	case "wait":
		d, err := s.duration()
		if err != nil {
			return err
		}
		return p.add(event{line: l.number, do: pause{d}}, s, sc)
	}
	if n, err := strconv.Atoi(first); err == nil && n > 0 && s.peek().text == "x" {
		s.i--
		return p.packetLine("", s, l, sc)
	}
	all := statements
	if !p.headSeen || len(p.t.events) == 0 {
		all = append(slices.Clone(headKeys), statements...)
	}
	return fail(p.file, place{l.number, l.indent + 1}, "found %q, expected %s%s", first, strictyaml.OrList(statements), strictyaml.Suggest(first, all))
}

// isHead tells whether a line belongs to the head.
func (p *parser) isHead(s *scanner, below *inline) bool {
	first := s.peek().text
	switch first {
	case "repeat":
		return below == nil
	case "box":
		last := s.words[len(s.words)-1].text
		return last != "on" && last != "off"
	}
	return slices.Contains(headKeys, first)
}

// add takes an event, with the expectation that follows its words.
func (p *parser) add(e event, s *scanner, sc scope) error {
	var err error
	if e.expect, err = p.expectation(s); err != nil {
		return err
	}
	if s.more() {
		return s.expected(s.peek(), "=>, <= or the end of the line")
	}
	return p.append(e, sc)
}

func (p *parser) append(e event, sc scope) error {
	e.groups = sc.groups
	if len(p.t.events) >= maxEvents {
		return fail(p.file, place{line: e.line}, "found more than %d events, expected fewer", maxEvents)
	}
	p.t.events = append(p.t.events, e)
	return nil
}

// handshake is three packets in one line.
func (p *parser) handshake(s *scanner, l line, sc scope) error {
	sides := []int{0, 1, 0}
	if s.take("from") {
		if !s.take("outside") {
			return s.expected(s.peek(), "outside")
		}
		sides = []int{1, 0, 1}
	}
	want, err := p.expectation(s)
	if err != nil {
		return err
	}
	if s.more() {
		return s.expected(s.peek(), "=>, or the end of the line")
	}
	for i, flags := range []uint8{flagSYN, flagSYN | flagACK, flagACK} {
		do := newPackets(End(sides[i]))
		do.transport, do.flags = transportTCP, int(flags)
		if err := p.append(event{line: l.number, do: do, expect: want}, sc); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) flow(s *scanner) (f flowChange, err error) {
	f.again = s.take("again")
	for s.more() {
		w := s.peek()
		if w.text == "=>" || w.text == "<=" {
			return f, s.expected(w, "the end of the line: a flow is no packet")
		}
		s.i++
		switch w.text {
		case "client":
			f.client, err = clientOf(p.file, s.next())
		case "server":
			var spec serverSpec
			spec, err = serverOf(p.file, s.next())
			f.server = &spec
		case "tcp":
			f.transport = transportTCP
		case "udp":
			f.transport = transportUDP
		case "icmp":
			f.transport = transportICMP
		default:
			if f.name != "" || strings.ContainsAny(w.text, ":.") {
				return f, s.expected(w, "client, server, tcp, udp, icmp or one name")
			}
			f.name = w.text
		}
		if err != nil {
			return f, err
		}
	}
	return f, nil
}

// change is a new policy, or a box that dies or comes back.
func (p *parser) change(first string, s *scanner, l line, below *inline, sc scope) error {
	box := ""
	if first == "box" {
		w := s.next()
		if w.text != "on" && w.text != "off" {
			box = w.text
			w = s.peek()
			if w.text == "on" || w.text == "off" {
				s.i++
			}
		}
		if w.text == "on" || w.text == "off" {
			return p.add(event{line: l.number, do: power{box, w.text == "on"}}, s, sc)
		}
	}
	ref, err := p.policyAfter(s, below)
	if err != nil {
		return err
	}
	return p.add(event{line: l.number, do: policyChange{box, ref}}, s, sc)
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
