package trace

import (
	"slices"
	"strconv"
	"strings"

	"dpilab/internal/strictyaml"
)

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
