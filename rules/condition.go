package rules

import "slices"

// condition is a Condition in the form that is quick to test.
type condition struct {
	facts      FactSet // that it asks for
	protocols  uint32  // a bit each; these and the fields below count only if their fact is asked for
	transports uint32
	opened     Side
	ports      []Range
	wanted     []wanted
}

// wanted asks for a class that has one of the atoms, or one of the bits.
type wanted struct {
	fact  Fact
	atoms []uint32 // sorted
	wild  uint32
}

// answer is what a condition has to say while some facts are missing.
type answer uint8

const (
	no answer = iota
	maybe
	yes
)

func (c *Compiled) answer(w *condition, f *Facts) answer {
	known := w.facts & f.Known
	switch {
	case known.Has(FactTransport) && w.transports&(1<<f.Transport) == 0,
		known.Has(FactProtocol) && w.protocols&(1<<f.Protocol) == 0,
		known.Has(FactOpened) && w.opened != f.Opened,
		known.Has(FactPort) && !inRanges(w.ports, f.Port):
		return no
	}
	for i := range w.wanted {
		if x := &w.wanted[i]; known.Has(x.fact) && !c.has(x, f.class(x.fact)) {
			return no
		}
	}
	if known != w.facts {
		return maybe
	}
	return yes
}

func (c *Compiled) has(x *wanted, class Class) bool {
	if class.wild()&x.wild != 0 {
		return true
	}
	for _, atom := range c.members(x.fact, class) {
		if _, ok := slices.BinarySearch(x.atoms, atom); ok {
			return true
		}
	}
	return false
}

func (c *Compiled) members(fact Fact, class Class) []uint32 {
	if fact == FactTo || fact == FactFrom {
		return c.addrs.classes.members[class.set()]
	}
	return c.names.classes.members[class.set()]
}

func inRanges(ranges []Range, port uint16) bool {
	for _, r := range ranges {
		if r.Min <= int(port) && int(port) <= r.Max {
			return true
		}
	}
	return false
}

// class gives the fact that has one.
func (f *Facts) class(fact Fact) Class {
	switch fact {
	case FactSNI:
		return f.SNI
	case FactHost:
		return f.Host
	case FactQuery:
		return f.Query
	case FactCertificate:
		return f.Certificate
	case FactJA3:
		return f.JA3
	case FactJA4:
		return f.JA4
	case FactTo:
		return f.To
	case FactFrom:
		return f.From
	}
	return 0
}

// rule gives the answer of a rule: its when, and not its unless.
func (c *Compiled) rule(r int32, f *Facts) answer {
	t := &c.tests[r]
	when := c.answer(&t.when, f)
	if when == no || t.unless.facts == 0 {
		return when
	}
	switch c.answer(&t.unless, f) {
	case yes:
		return no
	case maybe:
		return maybe
	}
	return when
}
