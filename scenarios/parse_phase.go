package scenarios

import (
	"slices"
	"time"

	"dpilab/rules"
)

func (f *file) readPhases(n node) error {
	items, err := n.items("a list of phases")
	if err != nil {
		return err
	}
	for _, item := range items {
		p, err := f.readPhase(item)
		if err != nil {
			return err
		}
		f.Phases = append(f.Phases, p)
	}
	return nil
}

func (f *file) readPhase(n node) (p Phase, err error) {
	fields, err := n.fields("a phase, such as {phase: before, date: 2025-07-01, policy: 2025-home}", "phase", "date", "policy", "resolver")
	if err != nil {
		return p, err
	}
	for _, k := range fields {
		switch k.name {
		case "phase":
			p.Name, err = f.phaseName(k.node)
		case "date":
			p.Date, err = k.date()
		case "policy":
			p.Policy, p.compiled, err = f.policy(k.node)
		case "resolver":
			p.Remove, err = k.removed()
		}
		if err != nil {
			return p, err
		}
	}
	switch last := len(f.Phases) - 1; {
	case p.Name == "":
		return p, n.fail("the phase has no name; write phase: NAME")
	case p.Date == "":
		return p, n.fail("the phase %q has no date; write date: YYYY-MM-DD", p.Name)
	case p.Policy == nil:
		return p, n.fail("the phase %q has no policy; write policy: NAME", p.Name)
	case last >= 0 && f.Phases[last].Date > p.Date:
		return p, n.fail("the phase %q of %s comes after that of %s, expected phases in the order of time", p.Name, p.Date, f.Phases[last].Date)
	}
	return p, nil
}

func (f *file) phaseName(n node) (string, error) {
	s, err := n.text("the phase's name")
	if err != nil {
		return "", err
	}
	switch {
	case !isName(s) || s == elsePhase:
		return "", n.fail("found %q, expected a name of small letters, digits and hyphens, and not %q", s, elsePhase)
	case slices.Contains(f.phaseNames(), s):
		return "", n.fail("found the phase %q twice, expected names that differ", s)
	}
	return s, nil
}

func (f *file) phaseNames() []string {
	names := make([]string, len(f.Phases))
	for i, p := range f.Phases {
		names[i] = p.Name
	}
	return names
}

func (f *file) policy(n node) (*rules.Policy, *rules.Compiled, error) {
	name, err := n.text("a policy's name or file")
	if err != nil {
		return nil, nil, err
	}
	if !isPath(name) && !slices.Contains(rules.ShippedNames(), name) {
		return nil, nil, n.fail("found %q, expected a policy that ships (%s) or a path%s", name, orList(rules.ShippedNames()), suggest(name, rules.ShippedNames()))
	}
	if err := f.readable(n, name); err != nil {
		return nil, nil, err
	}
	p, err := rules.Open(f.beside(name))
	if err != nil {
		return nil, nil, err
	}
	c, err := p.Compile()
	return p, c, err
}

func (n node) removed() ([]string, error) {
	fields, err := n.fields("{remove: [NAME, ...]}", "remove")
	if err != nil {
		return nil, err
	}
	names, err := fields[0].texts("a list of domain names", "a domain name")
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		if !isDomain(name) {
			items, _ := fields[0].items("")
			return nil, items[i].fail("found %q, expected a domain name", name)
		}
	}
	return names, nil
}

func (n node) date() (string, error) {
	s, _ := n.word()
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return "", n.expected("a date, such as 2025-07-01")
	}
	return s, nil
}
