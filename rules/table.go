package rules

import "math/bits"

// table is a list of rules that are told apart by words with few values, if at all. A row of bits for each value of such a word, a bit for
// each rule, says which rules it leaves; rows are intersected 64 rules at a time, and what all leave is tried in turn. A short
// list has no rows.
type table struct {
	rules []int32 // sorted
	rows  []rows
}

// rows are those of one fact.
type rows struct {
	fact  Fact
	words int
	bits  []uint64 // the row of the rules that do not ask, then one for each value, with these in it
	some  uint32   // a bit for each row with a rule in it
}

// wordFacts are the facts with few values, and how many each has.
var wordFacts = [...]struct {
	fact   Fact
	values int
}{
	{FactProtocol, protocolCount}, {FactTransport, transportCount}, {FactOpened, sideCount}, {FactHello, helloCount}, {FactQUIC, quicCount}, {FactECH, 2},
}

func (c *Compiled) newTable(rules []int32) table {
	t := table{rules: rules}
	if len(rules) <= c.short {
		return t
	}
	var asked FactSet
	for _, r := range rules {
		asked |= c.tests[r].when.facts
	}
	for _, w := range wordFacts {
		if asked.Has(w.fact) {
			t.rows = append(t.rows, c.newRows(rules, w.fact, w.values))
		}
	}
	return t
}

func (c *Compiled) newRows(rules []int32, fact Fact, values int) rows {
	words := (len(rules) + 63) / 64
	x := rows{fact: fact, words: words, bits: make([]uint64, words*(1+values))}
	for i, r := range rules {
		w := &c.tests[r].when
		accepts := w.valuesOf(fact)
		for value := range values {
			if accepts&(1<<value) != 0 {
				x.set(1+value, i)
			}
		}
		if !w.facts.Has(fact) {
			x.set(0, i)
		}
	}
	return x
}

func (x *rows) set(row, i int) {
	x.bits[row*x.words+i/64] |= 1 << (i % 64)
	x.some |= 1 << row
}

// valuesOf gives the values of the fact that the condition holds for, a bit each.
func (w *condition) valuesOf(fact Fact) uint32 {
	if !w.facts.Has(fact) {
		return 1<<32 - 1
	}
	switch fact {
	case FactProtocol:
		return w.protocols
	case FactTransport:
		return w.transports
	case FactOpened:
		return 1 << w.opened
	case FactHello:
		return w.hellos
	case FactQUIC:
		return w.quic
	}
	return 1 << truthByte(w.ech)
}

// value gives the fact that has few.
func (f *Facts) value(fact Fact) int {
	switch fact {
	case FactProtocol:
		return int(f.Protocol)
	case FactTransport:
		return int(f.Transport)
	case FactOpened:
		return int(f.Opened)
	case FactHello:
		return int(f.Hello)
	case FactQUIC:
		return int(f.QUIC)
	}
	return int(truthByte(f.ECH))
}

// first is index.first for these rules.
func (t *table) first(c *Compiled, f *Facts, want answer, bound int32) int32 {
	if len(t.rows) == 0 {
		return c.firstOf(t.rules, f, want, bound)
	}
	var left [len(wordFacts)][]uint64
	n := 0
	for i := range t.rows {
		x, row := &t.rows[i], 0
		switch {
		case f.Known.Has(x.fact):
			row = 1 + f.value(x.fact)
		case want != yes: // or it is not with this fact missing
			continue
		}
		if x.some&(1<<row) == 0 {
			return bound
		}
		left[n] = x.bits[row*x.words:][:x.words]
		n++
	}
	if n == 0 {
		return c.firstOf(t.rules, f, want, bound)
	}
	for at, word := range left[0] {
		for _, row := range left[1:n] {
			word &= row[at]
		}
		for ; word != 0; word &= word - 1 {
			r := t.rules[64*at+bits.TrailingZeros64(word)]
			if r >= bound {
				return bound
			}
			if c.rule(r, f) == want {
				return r
			}
		}
	}
	return bound
}
