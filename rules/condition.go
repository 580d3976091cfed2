package rules

import "slices"

// condition is a Condition in the form that is quick to test.
type condition struct {
	facts       FactSet // that it asks for, without FactSigns; the fields of a fact count only if it is asked for
	protocols   uint32  // a bit each, as all sets here
	transports  uint32
	opened      Side
	ports       []Range
	wanted      []wanted
	signs       []uint64 // of each of these sets, one sign must be there
	hellos      uint32
	quic        uint32
	ech         bool
	sourcePorts []Range
	sizes       []Range
}

// reads gives all facts that the condition asks for.
func (w *condition) reads() FactSet {
	if len(w.signs) > 0 {
		return w.facts.With(FactSigns)
	}
	return w.facts
}

// rare are the facts that few rules ask for.
const rare FactSet = 1<<FactSourcePort | 1<<FactHello | 1<<FactECH | 1<<FactQUIC | 1<<FactSize

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
	if known&rare != 0 && !w.hasRare(known, f) {
		return no
	}
	result := yes
	if known != w.facts {
		result = maybe
	}
	for _, set := range w.signs {
		switch {
		case f.Signs&set != 0: // a sign counts as soon as it is there
		case f.Known.Has(FactSigns):
			return no
		default:
			result = maybe
		}
	}
	return result
}

func (w *condition) hasRare(known FactSet, f *Facts) bool {
	return !(known.Has(FactSourcePort) && !inRanges(w.sourcePorts, f.SourcePort) ||
		known.Has(FactHello) && w.hellos&(1<<f.Hello) == 0 ||
		known.Has(FactECH) && w.ech != f.ECH ||
		known.Has(FactQUIC) && w.quic&(1<<f.QUIC) == 0 ||
		known.Has(FactSize) && !inRanges(w.sizes, f.Size))
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

func inRanges(ranges []Range, v uint16) bool {
	for _, r := range ranges {
		if r.Min <= int(v) && int(v) <= r.Max {
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

// rule gives the answer of a rule: its when, and none of its unless. A flow that lost the rule's chance, or is asked about again
// by a rule that is not, is none of its own.
func (c *Compiled) rule(r int32, f *Facts) answer {
	t := &c.tests[r]
	if f.Lost&t.lost != 0 || f.Again && !t.again {
		return no
	}
	result := c.answer(&t.when, f)
	if result == no {
		return no
	}
	for i := range t.unless {
		switch c.answer(&t.unless[i], f) {
		case yes:
			return no
		case maybe:
			result = maybe
		}
	}
	return result
}
