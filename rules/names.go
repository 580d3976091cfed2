package rules

import "strings"

// maxWild is how many lists, and patterns in rules, may use stars and keywords: each has a bit in a Class.
const maxWild = 32

// names gives the Class of a name.
//
// The suffixes are in a plain map: a table of our own, with open addressing over a block of bytes and a rolling hash, was no
// faster from 10 to 1,000,000 names.
type names struct {
	classes  *classes
	suffixes map[string]entry
	pieces   *automaton
	labels   map[string]uint32 // bits of each keyword
	dots     bool              // a last dot is ignored
}

// entry is a suffix that some pattern has. Both classes count the patterns of all shorter suffixes in, so that the longest
// suffix that is found gives all.
type entry struct {
	self  uint32 // of the name itself
	under uint32 // of the names under it
}

// class takes any case and allocates nothing.
func (x *names) class(name []byte) Class {
	var low [maxName + 2]byte
	if len(name) > len(low) {
		return 0
	}
	for i, c := range name {
		low[i] = lowerByte(c)
	}
	n := low[:len(name)]
	if x.dots && len(n) > 0 && n[len(n)-1] == '.' {
		n = n[:len(n)-1]
	}
	return makeClass(x.set(n), x.stars(n))
}

// set looks for the longest suffix first.
func (x *names) set(name []byte) uint32 {
	if e, ok := x.suffixes[string(name)]; ok {
		return e.self
	}
	return x.above(name)
}

// above gives the class that the nearest shorter suffix has for what is under it.
func (x *names) above(name []byte) uint32 {
	for i, c := range name {
		if c != '.' {
			continue
		}
		if e, ok := x.suffixes[string(name[i+1:])]; ok {
			return e.under
		}
	}
	return 0
}

func (x *names) stars(name []byte) uint32 {
	var wild uint32
	if x.pieces != nil {
		wild = x.pieces.find(name)
	}
	if len(x.labels) == 0 {
		return wild
	}
	from := 0
	for i := range name {
		if name[i] == '.' {
			wild |= x.labels[string(name[from:i])]
			from = i + 1
		}
	}
	return wild | x.labels[string(name[from:])]
}

// namesBuilder takes patterns, each for an atom.
type namesBuilder struct {
	names
	found []piece
}

func newNamesBuilder(dots bool) namesBuilder {
	return namesBuilder{names: names{classes: newClasses(), suffixes: map[string]entry{}, labels: map[string]uint32{}, dots: dots}}
}

// add enters a pattern of an atom: one is the class of the atom alone, bit is for its patterns with stars and keywords.
func (b *namesBuilder) add(p pattern, one, bit uint32) {
	switch p.form {
	case formEnds, formContains, formStarts:
		b.found = append(b.found, piece{p.text, bit, p.form == formStarts, p.form == formEnds})
		return
	case formKeyword:
		b.labels[p.text] |= bit
		return
	}
	e := b.suffixes[p.text]
	if p.form != formUnder {
		e.self = b.classes.union(e.self, one)
	}
	if p.form != formExact {
		e.under = b.classes.union(e.under, one)
	}
	b.suffixes[p.text] = e
}

// build closes every suffix over the shorter ones, shortest first.
func (b *namesBuilder) build() names {
	byDots := make([][]string, maxName)
	for s := range b.suffixes {
		n := strings.Count(s, ".")
		byDots[n] = append(byDots[n], s)
	}
	for _, suffixes := range byDots {
		for _, s := range suffixes {
			e, above := b.suffixes[s], b.above([]byte(s))
			b.suffixes[s] = entry{b.classes.union(e.self, above), b.classes.union(e.under, above)}
		}
	}
	b.pieces = newAutomaton(b.found)
	return b.names
}
