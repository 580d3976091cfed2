package rules

import (
	"slices"
	"strings"

	"dpilab/internal/strictyaml"
)

// parsedRule is a rule and the places that later checks speak of.
type parsedRule struct {
	Rule
	at, name, when, unless, do strictyaml.Node
}

func readRule(n strictyaml.Node) (r parsedRule, err error) {
	r.at, r.file, r.Line = n, n.File, n.Line()
	fields, err := n.Fields("a rule", "rule", "when", "unless", "do", "source")
	if err != nil {
		return r, err
	}
	if err = n.Require(fields, "rule", "rule", "when", "do", "source"); err != nil {
		return r, err
	}
	for _, f := range fields {
		switch f.Name {
		case "rule":
			r.name = f.Node
			r.Name, err = f.Label("a rule's name")
		case "when":
			r.when = f.Node
			if s, ok := f.Word(); !ok || s != "all" {
				r.When, err = readCondition(f.Node, "conditions, or the word all")
			}
		case "unless":
			r.unless = f.Node
			r.Unless, err = readCondition(f.Node, "conditions")
		case "do":
			r.do = f.Node
			r.Do, err = readDo(f.Node)
		case "source":
			r.Source, err = readSource(f.Node)
		}
		if err != nil {
			return r, err
		}
	}
	return r, nil
}

// confidences are the letters of CONTRIBUTING.md, and MEM for what no text that could be read says.
var confidences = []string{"P", "P2", "C", "D", "A", "MEM"}

func readSource(n strictyaml.Node) (s Source, err error) {
	fields, err := n.Fields("a source: {ref: IMC22, confidence: P} or {ref: choice}", "ref", "confidence")
	if err != nil {
		return s, err
	}
	ref, confidence := strictyaml.Find(fields, "ref"), strictyaml.Find(fields, "confidence")
	if ref == nil {
		return s, n.Fail("found a source without ref, expected {ref: IMC22, confidence: P} or {ref: choice}")
	}
	if s.Ref, err = ref.Text("a source's key or the word choice"); err != nil {
		return s, err
	}
	switch {
	case s.Ref == "choice" && confidence != nil:
		return s, confidence.Key.Fail("found a confidence, expected none: a choice has no source to be sure of")
	case s.Ref == "choice":
		s.Confidence = "choice"
		return s, nil
	case confidence == nil:
		return s, n.Fail("found a source without confidence, expected %s", strictyaml.OrList(confidences))
	}
	i, err := confidence.OneOf(confidences...)
	s.Confidence = confidences[i]
	return s, err
}

func readCondition(n strictyaml.Node, what string) (c Condition, err error) {
	fields, err := n.Fields(what, "sni", "host", "query", "to", "from", "protocol", "transport", "port", "opened")
	for _, f := range fields {
		if err != nil {
			return c, err
		}
		switch f.Name {
		case "sni":
			c.SNI, err = readWords(f.Node)
		case "host":
			c.Host, err = readWords(f.Node)
		case "query":
			c.Query, err = readWords(f.Node)
		case "to":
			c.To, err = readWords(f.Node)
		case "from":
			c.From, err = readWords(f.Node)
		case "protocol":
			c.Protocol, err = enums[Protocol](f.Node, protocolNames[:])
		case "transport":
			c.Transport, err = enums[Transport](f.Node, transportNames[:])
		case "port":
			c.Port, err = readPorts(f.Node)
		case "opened":
			var i int
			i, err = f.OneOf("inside", "outside")
			c.Opened = Side(i) + SideInside
		}
	}
	return c, err
}

// readWords reads names of lists, patterns or prefixes; which of these is a question for later, when all lists are known.
func readWords(n strictyaml.Node) ([]string, error) {
	const what = "the name of a list, or values"
	items, err := n.OneOrMore(what)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, item := range items {
		s, err := item.Text(what)
		if err != nil {
			return nil, err
		}
		if s = lower(strings.TrimSpace(s)); slices.Contains(all, s) {
			return nil, item.Fail("found %q twice, expected it once", s)
		}
		all = append(all, s)
	}
	return all, nil
}

func enums[T ~uint8](n strictyaml.Node, names []string) ([]T, error) {
	items, err := n.OneOrMore(strictyaml.OrList(names))
	if err != nil {
		return nil, err
	}
	var all []T
	for _, item := range items {
		i, err := item.OneOf(names...)
		if err != nil {
			return nil, err
		}
		if slices.Contains(all, T(i)) {
			return nil, item.Fail("found %q twice, expected it once", names[i])
		}
		all = append(all, T(i))
	}
	return all, nil
}

func readPorts(n strictyaml.Node) ([]Range, error) {
	const what = "a port such as 443 or 5222..5228"
	items, err := n.OneOrMore(what)
	if err != nil {
		return nil, err
	}
	var all []Range
	for _, item := range items {
		r, err := readSpan(item, what, "", 0, 65535)
		if err != nil {
			return nil, err
		}
		if slices.Contains(all, r) {
			return nil, item.Fail("found %s twice, expected it once", item.Describe())
		}
		all = append(all, r)
	}
	return all, nil
}
