package rules

import (
	"slices"
	"strings"
)

// parsedRule is a rule and the places that later checks speak of.
type parsedRule struct {
	Rule
	at, name, when, unless, do node
}

func (n node) rule() (r parsedRule, err error) {
	r.at, r.file, r.Line = n, n.file, n.line()
	fields, err := n.fields("a rule", "rule", "when", "unless", "do", "source")
	if err != nil {
		return r, err
	}
	for _, want := range []string{"rule", "when", "do", "source"} {
		if find(fields, want) == nil {
			return r, n.fail("found a rule without the key %q, expected rule, when, do and source", want)
		}
	}
	for _, f := range fields {
		switch f.name {
		case "rule":
			r.name = f.node
			r.Name, err = f.label("a rule's name")
		case "when":
			r.when = f.node
			if s, ok := f.word(); !ok || s != "all" {
				r.When, err = f.condition("conditions, or the word all")
			}
		case "unless":
			r.unless = f.node
			r.Unless, err = f.condition("conditions")
		case "do":
			r.do = f.node
			r.Do, err = f.mechanism()
		case "source":
			r.Source, err = f.source()
		}
		if err != nil {
			return r, err
		}
	}
	return r, nil
}

// label reads a name of our own making.
func (n node) label(what string) (string, error) {
	s, ok := n.word()
	if !ok || !isListName(s) {
		return "", n.expected(what + " of small letters, digits and hyphens")
	}
	return s, nil
}

// confidences are the letters of CONTRIBUTING.md, and MEM for what no text that could be read says.
var confidences = []string{"P", "P2", "C", "D", "A", "MEM"}

func (n node) source() (s Source, err error) {
	fields, err := n.fields("a source: {ref: IMC22, confidence: P} or {ref: choice}", "ref", "confidence")
	if err != nil {
		return s, err
	}
	ref, confidence := find(fields, "ref"), find(fields, "confidence")
	if ref == nil {
		return s, n.fail("found a source without ref, expected {ref: IMC22, confidence: P} or {ref: choice}")
	}
	if s.Ref, err = ref.text("a source's key or the word choice"); err != nil {
		return s, err
	}
	switch {
	case s.Ref == "choice" && confidence != nil:
		return s, confidence.key.fail("found a confidence, expected none: a choice has no source to be sure of")
	case s.Ref == "choice":
		s.Confidence = "choice"
		return s, nil
	case confidence == nil:
		return s, n.fail("found a source without confidence, expected %s", orList(confidences))
	}
	i, err := confidence.oneOf(confidences...)
	s.Confidence = confidences[i]
	return s, err
}

func (n node) condition(what string) (c Condition, err error) {
	fields, err := n.fields(what, "sni", "host", "query", "to", "from", "protocol", "transport", "port", "opened")
	for _, f := range fields {
		if err != nil {
			return c, err
		}
		switch f.name {
		case "sni":
			c.SNI, err = f.words()
		case "host":
			c.Host, err = f.words()
		case "query":
			c.Query, err = f.words()
		case "to":
			c.To, err = f.words()
		case "from":
			c.From, err = f.words()
		case "protocol":
			c.Protocol, err = enums[Protocol](f.node, protocolNames[:])
		case "transport":
			c.Transport, err = enums[Transport](f.node, transportNames[:])
		case "port":
			c.Port, err = f.ports()
		case "opened":
			var i int
			i, err = f.oneOf("inside", "outside")
			c.Opened = Side(i) + SideInside
		}
	}
	return c, err
}

// words reads names of lists, patterns or prefixes; which of these is a question for later, when all lists are known.
func (n node) words() ([]string, error) {
	const what = "the name of a list, or values"
	items, err := n.oneOrMore(what)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, item := range items {
		s, err := item.text(what)
		if err != nil {
			return nil, err
		}
		if s = lower(strings.TrimSpace(s)); slices.Contains(all, s) {
			return nil, item.fail("found %q twice, expected it once", s)
		}
		all = append(all, s)
	}
	return all, nil
}

func enums[T ~uint8](n node, names []string) ([]T, error) {
	items, err := n.oneOrMore(orList(names))
	if err != nil {
		return nil, err
	}
	var all []T
	for _, item := range items {
		i, err := item.oneOf(names...)
		if err != nil {
			return nil, err
		}
		if slices.Contains(all, T(i)) {
			return nil, item.fail("found %q twice, expected it once", names[i])
		}
		all = append(all, T(i))
	}
	return all, nil
}

func (n node) ports() ([]Range, error) {
	const what = "a port such as 443 or 5222..5228"
	items, err := n.oneOrMore(what)
	if err != nil {
		return nil, err
	}
	var all []Range
	for _, item := range items {
		r, err := item.span(what, "", 0, 65535)
		if err != nil {
			return nil, err
		}
		if slices.Contains(all, r) {
			return nil, item.fail("found %s twice, expected it once", item.describe())
		}
		all = append(all, r)
	}
	return all, nil
}
