package tools

import (
	"slices"

	"dpilab/internal/strictyaml"
	"dpilab/lab/probe"
)

// carried gives the goals that a way can carry when nothing else is said.
func (d *definition) carried() []string {
	switch d.traffic.way {
	case waySOCKS5, waySOCKS5H, wayHTTP:
		if d.traffic.udp {
			return []string{"dns", "connect", "http", "https", "http3", "chat", "call", "download"}
		}
		return []string{"connect", "http", "https", "chat", "download"}
	case wayDNS:
		return []string{"dns", "connect", "http", "https", "http3", "chat", "download"}
	case wayClient:
		return slices.DeleteFunc(slices.Clone(goalTypes), func(g string) bool { _, ok := d.goals[probe.Type(g)]; return !ok })
	case wayBuiltin:
		return d.builtin.maker().goals(d.builtin.option)
	}
	return goalTypes
}

func (r *reader) readCarries() error {
	possible := r.def.carried()
	carried := possible
	if n := r.value("carries"); n != nil {
		items, err := n.OneOrMore("a list of goals")
		if err != nil {
			return err
		}
		carried = nil
		for _, item := range items {
			i, err := item.OneOf(possible...)
			if err != nil {
				return err
			}
			carried = append(carried, possible[i])
		}
	}
	for _, g := range carried {
		r.Carries = append(r.Carries, probe.Type(g))
	}
	return nil
}

func (r *reader) readBuiltin() error {
	n := r.value("builtin")
	isBuiltin := r.def.traffic.way == wayBuiltin
	switch {
	case n == nil && !isBuiltin:
		return nil
	case n == nil:
		return r.top.Fail(`found traffic: builtin without the key "builtin", expected one of %s`, strictyaml.OrList(builtinNames()))
	case !isBuiltin:
		return n.Fail("found builtin beside traffic: %s, expected traffic: builtin", r.def.traffic.way)
	}
	b := &r.def.builtin
	if n.IsMapping() {
		fields, err := n.Fields("{BUILTIN: OPTION}", builtinNames()...)
		if err != nil {
			return err
		}
		if len(fields) > 1 {
			return fields[1].Key.Fail("found %s beside %s, expected one", fields[1].Name, fields[0].Name)
		}
		b.name = fields[0].Name
		if b.option, err = fields[0].Text("an option of " + b.name); err != nil {
			return err
		}
		if err := b.maker().check(b.option); err != nil {
			return fields[0].Fail("%s", err)
		}
		return nil
	}
	i, err := n.OneOf(builtinNames()...)
	if err != nil {
		return err
	}
	b.name = builtinNames()[i]
	if err := b.maker().check(b.option); err != nil {
		return n.Fail("%s", err)
	}
	return nil
}
