package scenarios

import (
	"slices"
	"strings"
	"time"

	"dpilab/internal/strictyaml"
	"dpilab/rules"
)

func (f *file) readPhases(n strictyaml.Node) error {
	items, err := n.Items("a list of phases")
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

func (f *file) readPhase(n strictyaml.Node) (p Phase, err error) {
	fields, err := n.Fields("a phase, such as {phase: before, date: 2025-07-01, policy: 2025-home}", "phase", "date", "policy", "resolver", "server")
	if err != nil {
		return p, err
	}
	if err := n.Require(fields, "phase", "phase", "date", "policy"); err != nil {
		return p, err
	}
	p.Server = f.Server
	for _, k := range fields {
		switch k.Name {
		case "server":
			p.Server, err = f.host(k.Node)
		case "phase":
			p.Name, err = f.phaseName(k.Node)
		case "date":
			p.Date, err = readDate(k.Node)
		case "policy":
			p.Policies, err = f.policies(k.Node)
		case "resolver":
			p.Remove, err = readRemoved(k.Node)
		}
		if err != nil {
			return p, err
		}
	}
	if last := len(f.Phases) - 1; last >= 0 && f.Phases[last].Date > p.Date {
		return p, n.Fail("the phase %q of %s comes after that of %s, expected phases in the order of time", p.Name, p.Date, f.Phases[last].Date)
	}
	return p, nil
}

func (f *file) phaseName(n strictyaml.Node) (string, error) {
	s, err := n.Label("a name")
	switch {
	case err != nil:
		return "", err
	case s == elsePhase:
		return "", n.Fail("found %q, expected a name of small letters, digits and hyphens, and not %q", s, elsePhase)
	case slices.Contains(f.phaseNames(), s):
		return "", n.Fail("found the phase %q twice, expected names that differ", s)
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

// policies reads what is in force at the boxes: a policy, or, where the lab has several boxes, one for each that works.
func (f *file) policies(n strictyaml.Node) ([]BoxPolicy, error) {
	boxes := f.Topology.Boxes
	if !n.IsMapping() {
		if len(boxes) > 1 {
			return nil, n.Fail("found one policy, expected one for each box of the lab that works, such as {%s: 2025-home}; its boxes: %s", boxes[0], strings.Join(boxes, ", "))
		}
		p, c, err := f.policy(n)
		return []BoxPolicy{{boxes[0], p, c}}, err
	}
	fields, err := n.Fields("policies of boxes, such as {"+boxes[0]+": 2025-home}", boxes...)
	if err != nil {
		return nil, err
	}
	if len(fields) == 0 {
		return nil, n.Expected("the policy of a box at least, such as {" + boxes[0] + ": 2025-home}")
	}
	var all []BoxPolicy
	for _, box := range boxes {
		k := strictyaml.Find(fields, box)
		if k == nil {
			continue
		}
		p, c, err := f.policy(k.Node)
		if err != nil {
			return nil, err
		}
		all = append(all, BoxPolicy{box, p, c})
	}
	return all, nil
}

func (f *file) policy(n strictyaml.Node) (*rules.Policy, *rules.Compiled, error) {
	name, err := n.Text("a policy's name or file")
	if err != nil {
		return nil, nil, err
	}
	if !isPath(name) && !slices.Contains(rules.ShippedNames(), name) {
		return nil, nil, n.Fail("found %q, expected a policy that ships, as dpilab list names them, or a path%s", name, strictyaml.Suggest(name, rules.ShippedNames()))
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

func readRemoved(n strictyaml.Node) ([]string, error) {
	fields, err := n.Fields("{remove: [NAME, ...]}", "remove")
	if err != nil {
		return nil, err
	}
	items, err := fields[0].Items("a list of domain names")
	if err != nil {
		return nil, err
	}
	names := make([]string, len(items))
	for i, item := range items {
		if names[i], _ = item.Word(); !isDomain(names[i]) {
			return nil, item.Expected("a domain name")
		}
	}
	return names, nil
}

func readDate(n strictyaml.Node) (string, error) {
	s, _ := n.Word()
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return "", n.Expected("a date, such as 2025-07-01")
	}
	return s, nil
}
