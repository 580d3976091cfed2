package rules

import (
	"net/netip"
	"slices"
	"strings"

	"dpilab/internal/strictyaml"
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

// readDo reads what a rule does.
func readDo(n strictyaml.Node) (d Do, err error) {
	if s, ok := n.Word(); ok {
		if s == "pass" {
			return Do{Mechanism: MechanismPass}, nil
		}
		if doWords[s] != nil {
			return d, n.Fail("found %q alone, expected its words in braces, such as {drop: both}", s)
		}
		return d, n.Fail("found %q, expected %s%s", s, doForms, strictyaml.Suggest(s, mechanismNames[:]))
	}
	fields, err := n.Fields(doForms)
	if err != nil {
		return d, err
	}
	var main *strictyaml.Field
	for i, f := range fields {
		if doWords[f.Name] == nil {
			continue
		}
		if main != nil {
			return d, f.Key.Fail("found %s beside %s, expected one mechanism a rule", f.Name, main.Name)
		}
		main = &fields[i]
	}
	if main == nil {
		return d, fields[0].Key.Fail("found the key %q, expected %s%s", fields[0].Name, doForms, strictyaml.Suggest(fields[0].Name, mechanismNames[:]))
	}
	if _, err = n.Fields(doForms, doWords[main.Name]...); err != nil {
		return d, err
	}
	for _, f := range fields {
		if err = readDoWord(f, &d, main.Name); err != nil {
			return d, err
		}
	}
	return d, checkDo(n, d, fields)
}

func readDoWord(f strictyaml.Field, d *Do, mechanism string) (err error) {
	d.Mechanism = Mechanism(slices.Index(mechanismNames[:], mechanism))
	switch f.Name {
	case "drop":
		var i int
		i, err = f.OneOf(directionNames[:]...)
		d.Direction = Direction(i)
	case "reset":
		_, err = f.OneOf("server packet")
	case "police":
		d.Rate, err = readAmount(f.Node, "a rate such as 140kbit or 12mbit", rateUnits)
	case "burst":
		if d.Burst, err = readAmount(f.Node, "a size such as 16KB or 64KiB", sizeUnits); err == nil && d.Burst < minBurst {
			err = f.Fail("found %s, expected at least %dB: a full packet must fit", f.Describe(), minBurst)
		}
	case "capacity":
		d.Capacity, err = readWhole(f.Node, "a capacity from 0 (nothing passes) to 100 (all passes)", 0, 100)
	case "redirect":
		d.Resolver, err = readResolvers(f.Node)
	case "learn":
		_, err = f.OneOf("server port")
	case "after":
		if mechanism == "learn" {
			d.Delay, err = readDuration(f.Node)
		} else {
			d.After.Range, err = readSpan(f.Node, "packets such as 5..8 packets", "packets", 1, 1000)
		}
	case "then":
		err = readThen(f.Node, d)
	case "residual":
		d.Residual, err = readDuration(f.Node)
	case "refresh":
		d.Refresh, err = readTruth(f.Node)
	}
	return err
}

func readThen(n strictyaml.Node, d *Do) error {
	then, err := readDo(n)
	if err != nil {
		return err
	}
	switch then.Mechanism {
	case MechanismDrop, MechanismReset, MechanismPolice, MechanismCapacity:
		d.Then = &then
		return nil
	}
	return n.Fail("found %s, expected drop, reset, police or capacity", then.Mechanism)
}

// checkDo looks at what the words say together.
func checkDo(n strictyaml.Node, d Do, fields []strictyaml.Field) error {
	switch {
	case d.Mechanism == MechanismPolice && d.Burst == 0:
		return n.Fail("found police without burst, expected a size such as burst: 16KB")
	case d.Mechanism == MechanismLearn && (d.Delay == 0 || d.Then == nil):
		return n.Fail("found learn without after and then, expected {learn: server port, after: 10m, then: {drop: both}}")
	case d.Refresh && d.Residual == 0:
		return strictyaml.Find(fields, "refresh").Key.Fail("found refresh without residual, expected a time that it starts again")
	}
	return nil
}

func readResolvers(n strictyaml.Node) ([]netip.Addr, error) {
	const what = "one IPv4 address, one IPv6 address, or both"
	items, err := n.OneOrMore(what)
	if err != nil {
		return nil, err
	}
	var all []netip.Addr
	for _, item := range items {
		s, _ := item.Word()
		a, err := netip.ParseAddr(strings.TrimSpace(s))
		if err != nil || a.Zone() != "" || a.Is4In6() {
			return nil, item.Expected("an address")
		}
		for _, b := range all {
			if a.Is4() == b.Is4() {
				return nil, item.Fail("found %s beside %s, expected %s", a, b, what)
			}
		}
		all = append(all, a)
	}
	return all, nil
}
