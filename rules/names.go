package rules

import (
	"cmp"
	"slices"
)

// maxWild is how many lists, and patterns in rules, may use stars and keywords: each has a bit in a Class.
const maxWild = 32

// names gives the Class of a name.
type names struct {
	classes  *classes
	suffixes table
	entries  []entry // by number in suffixes
	pieces   *automaton
	labels   table
	wild     []uint32 // bits of each label in labels
	dots     bool     // a last dot is ignored
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

func (x *names) set(name []byte) uint32 {
	var set uint32
	h := uint64(hashStart)
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '.' {
			if at := x.suffixes.find(h, name[i+1:]); at >= 0 {
				set = x.entries[at].under
			}
		}
		h = hashByte(h, name[i])
	}
	if at := x.suffixes.find(h, name); at >= 0 {
		set = x.entries[at].self
	}
	return set
}

func (x *names) stars(name []byte) uint32 {
	var wild uint32
	if x.pieces != nil {
		wild = x.pieces.find(name)
	}
	if len(x.wild) == 0 {
		return wild
	}
	h, end := uint64(hashStart), len(name)
	for i := len(name) - 1; i >= -1; i-- {
		if i >= 0 && name[i] != '.' {
			h = hashByte(h, name[i])
			continue
		}
		if at := x.labels.find(h, name[i+1:end]); at >= 0 {
			wild |= x.wild[at]
		}
		h, end = hashStart, i
	}
	return wild
}

// namesBuilder takes patterns, each for an atom.
type namesBuilder struct {
	names
	found []piece
}

// add enters a pattern of the atom; bit is the atom's, for the patterns with stars and keywords.
func (b *namesBuilder) add(p pattern, atom, bit uint32) {
	switch p.form {
	case formEnds, formContains:
		b.found = append(b.found, piece{p.text, bit, p.form == formEnds})
		return
	case formKeyword:
		at := b.labels.put([]byte(p.text))
		if at == len(b.wild) {
			b.wild = append(b.wild, 0)
		}
		b.wild[at] |= bit
		return
	}
	at := b.suffixes.put([]byte(p.text))
	if at == len(b.entries) {
		b.entries = append(b.entries, entry{})
	}
	n, one := &b.entries[at], b.classes.single(atom)
	if p.form != formUnder {
		n.self = b.classes.union(n.self, one)
	}
	if p.form != formExact {
		n.under = b.classes.union(n.under, one)
	}
}

// build closes every suffix over the shorter ones.
func (b *namesBuilder) build() names {
	byLabels := make([]int, len(b.entries))
	for i := range byLabels {
		byLabels[i] = i
	}
	depth := func(i int) int {
		n := 0
		for _, c := range b.suffixes.key(i) {
			if c == '.' {
				n++
			}
		}
		return n
	}
	slices.SortFunc(byLabels, func(i, j int) int { return cmp.Compare(depth(i), depth(j)) })
	for _, i := range byLabels {
		above := b.above(b.suffixes.key(i))
		b.entries[i].self = b.classes.union(b.entries[i].self, above)
		b.entries[i].under = b.classes.union(b.entries[i].under, above)
	}
	b.pieces = newAutomaton(b.found)
	return b.names
}

// above gives what is entered for all under the nearest shorter suffix.
func (b *namesBuilder) above(name []byte) uint32 {
	for i, c := range name {
		if c != '.' {
			continue
		}
		if at := b.suffixes.find(hashKey(name[i+1:]), name[i+1:]); at >= 0 {
			return b.entries[at].under
		}
	}
	return 0
}
