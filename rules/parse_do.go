package rules

import (
	"net/netip"
	"slices"
	"strings"
)

// minBurst is a bucket that lets a full packet through. With less, policing would be dropping.
const minBurst = 1500

// doWords are the words of each mechanism, its own first.
var doWords = map[string][]string{
	"drop":     {"drop", "after", "residual", "refresh"},
	"reset":    {"reset", "residual", "refresh"},
	"police":   {"police", "burst"},
	"capacity": {"capacity"},
	"redirect": {"redirect"},
	"learn":    {"learn", "after", "then"},
}

const doForms = "pass, or one of drop, reset, police, capacity, redirect, learn"

// mechanism reads what a rule does.
func (n node) mechanism() (d Do, err error) {
	if s, ok := n.word(); ok {
		if s == "pass" {
			return Do{Mechanism: MechanismPass}, nil
		}
		if doWords[s] != nil {
			return d, n.fail("found %q alone, expected its words in braces, such as {drop: both}", s)
		}
		return d, n.fail("found %q, expected %s%s", s, doForms, suggest(s, mechanismNames[:]))
	}
	fields, err := n.fields(doForms)
	if err != nil {
		return d, err
	}
	var main *field
	for i, f := range fields {
		if doWords[f.name] == nil {
			continue
		}
		if main != nil {
			return d, f.key.fail("found %s beside %s, expected one mechanism a rule", f.name, main.name)
		}
		main = &fields[i]
	}
	if main == nil {
		return d, fields[0].key.fail("found the key %q, expected %s%s", fields[0].name, doForms, suggest(fields[0].name, mechanismNames[:]))
	}
	if _, err = n.fields(doForms, doWords[main.name]...); err != nil {
		return d, err
	}
	for _, f := range fields {
		if err = f.doWord(&d, main.name); err != nil {
			return d, err
		}
	}
	return d, n.checkDo(d, fields)
}

func (f field) doWord(d *Do, mechanism string) (err error) {
	d.Mechanism = Mechanism(slices.Index(mechanismNames[:], mechanism))
	switch f.name {
	case "drop":
		var i int
		i, err = f.oneOf(directionNames[:]...)
		d.Direction = Direction(i)
	case "reset":
		_, err = f.oneOf("server packet")
	case "police":
		d.Rate, err = f.amount("a rate such as 140kbit or 12mbit", rateUnits)
	case "burst":
		if d.Burst, err = f.amount("a size such as 16KB or 64KiB", sizeUnits); err == nil && d.Burst < minBurst {
			err = f.fail("found %s, expected at least %dB: a full packet must fit", f.describe(), minBurst)
		}
	case "capacity":
		d.Capacity, err = f.whole("a capacity from 0 (nothing passes) to 100 (all passes)", 0, 100)
	case "redirect":
		d.Resolver, err = f.resolvers()
	case "learn":
		_, err = f.oneOf("server port")
	case "after":
		if mechanism == "learn" {
			d.Delay, err = f.duration()
		} else {
			d.After, err = f.span("packets such as 5..8 packets", "packets", 1, 1000)
		}
	case "then":
		err = f.then(d)
	case "residual":
		d.Residual, err = f.duration()
	case "refresh":
		d.Refresh, err = f.truth()
	}
	return err
}

func (f field) then(d *Do) error {
	then, err := f.mechanism()
	if err != nil {
		return err
	}
	switch then.Mechanism {
	case MechanismDrop, MechanismReset, MechanismPolice, MechanismCapacity:
		d.Then = &then
		return nil
	}
	return f.fail("found %s, expected drop, reset, police or capacity", then.Mechanism)
}

// checkDo looks at what the words say together.
func (n node) checkDo(d Do, fields []field) error {
	switch {
	case d.Mechanism == MechanismPolice && d.Burst == 0:
		return n.fail("found police without burst, expected a size such as burst: 16KB")
	case d.Mechanism == MechanismLearn && (d.Delay == 0 || d.Then == nil):
		return n.fail("found learn without after and then, expected {learn: server port, after: 10m, then: {drop: both}}")
	case d.Refresh && d.Residual == 0:
		return find(fields, "refresh").key.fail("found refresh without residual, expected a time that it starts again")
	}
	return nil
}

func (n node) resolvers() ([]netip.Addr, error) {
	const what = "one IPv4 address, one IPv6 address, or both"
	items, err := n.oneOrMore(what)
	if err != nil {
		return nil, err
	}
	var all []netip.Addr
	for _, item := range items {
		s, _ := item.word()
		a, err := netip.ParseAddr(strings.TrimSpace(s))
		if err != nil || a.Zone() != "" || a.Is4In6() {
			return nil, item.expected("an address")
		}
		for _, b := range all {
			if a.Is4() == b.Is4() {
				return nil, item.fail("found %s beside %s, expected %s", a, b, what)
			}
		}
		all = append(all, a)
	}
	return all, nil
}
