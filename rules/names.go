package rules

import (
	"encoding/binary"
	"strings"
)

// maxWild is how many lists, and patterns in rules, may use stars, keywords and expressions: each has a bit in a Class. Big lists have those that are left.
const maxWild = 32

// names gives the Class of a name.
type names struct {
	classes  *classes
	suffixes nameTable // with a classPair each
	big      []bigNames
	pieces   *automaton
	regexps  *expressions
	labels   map[string]uint32 // bits of each keyword
	dots     bool              // a last dot is ignored
}

// The value of a suffix that some pattern has is two classes: of the name itself, and of the names under it. Both count the patterns of all
// shorter suffixes in, so that the longest suffix that is found gives all.
const (
	selfClass  = 0
	underClass = 4
	classPair  = 8
)

// bigNames is a list that is too long to be merged with others: it has a bit.
type bigNames struct {
	*nameTable // with a byte of hits each
	bit        uint32
}

// The bits of an entry of a list: what it hits.
const (
	hitsSelf  = 1
	hitsUnder = 2
)

// class takes any case and allocates nothing.
func (x *names) class(name []byte) Class {
	if len(name) > longestAsked {
		return 0
	}
	var k nameKey
	k.set(name)
	if x.dots {
		k.cutDot()
	}
	set, wild := x.found(&k)
	return makeClass(set, wild|x.stars(k.name()))
}

// found looks for all suffixes, the shortest first: the hash of each goes into that of the next.
func (x *names) found(k *nameKey) (set, wild uint32) {
	h, end := uint64(0), k.n
	for depth := 1; ; depth++ {
		from := k.label(end)
		h = k.hash(h, from, end)
		class, hits := underClass, byte(hitsUnder)
		if from == 0 {
			class, hits = selfClass, hitsSelf
		}
		if x.suffixes.has(depth) {
			if at := x.suffixes.find(h, k.low[from:k.n]); at >= 0 {
				set = binary.LittleEndian.Uint32(x.suffixes.entries[at+class:])
			}
		}
		for i := range x.big {
			if b := &x.big[i]; wild&b.bit == 0 && b.has(depth) {
				if at := b.find(h, k.low[from:k.n]); at >= 0 && b.entries[at]&hits != 0 {
					wild |= b.bit
				}
			}
		}
		if from == 0 {
			return set, wild
		}
		end = from - 1
	}
}

func (x *names) stars(name []byte) uint32 {
	var wild uint32
	if x.pieces != nil {
		wild = x.pieces.find(name)
	}
	if x.regexps != nil {
		wild |= x.regexps.find(name)
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
	own   map[string][2]uint32 // of each suffix: the classes of itself and of what is under it, without those of shorter ones
	found []piece
	exprs []expression
}

func newNamesBuilder(dots bool) namesBuilder {
	return namesBuilder{
		names: names{classes: newClasses(), suffixes: nameTable{width: classPair}, labels: map[string]uint32{}, dots: dots},
		own:   map[string][2]uint32{},
	}
}

// add enters a pattern of an atom: one is the class of the atom alone, bit is for its patterns with stars, keywords and expressions.
func (b *namesBuilder) add(p pattern, one, bit uint32) error {
	switch p.form {
	case formEnds, formContains, formStarts:
		b.found = append(b.found, piece{p.text, bit, p.form == formStarts, p.form == formEnds})
	case formKeyword:
		b.labels[p.text] |= bit
	case formRegexp:
		prog, err := parseExpression(p.text)
		if err != nil {
			return err
		}
		b.exprs = append(b.exprs, expression{prog, bit})
	default:
		b.addSuffix(p.text, p.form.hits(), one)
	}
	return nil
}

func (b *namesBuilder) addSuffix(name string, hits byte, one uint32) {
	e := b.own[name]
	if hits&hitsSelf != 0 {
		e[0] = b.classes.union(e[0], one)
	}
	if hits&hitsUnder != 0 {
		e[1] = b.classes.union(e[1], one)
	}
	b.own[name] = e
}

// build closes every suffix over the shorter ones, shortest first.
func (b *namesBuilder) build() (x names, err error) {
	byDots := make([][]string, maxName+1)
	var value []byte
	for s := range b.own {
		n := strings.Count(s, ".")
		byDots[n] = append(byDots[n], s)
	}
	for _, suffixes := range byDots {
		for _, s := range suffixes {
			e, above := b.own[s], b.above(s)
			e = [2]uint32{b.classes.union(e[0], above), b.classes.union(e[1], above)}
			b.own[s] = e
			value = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(value[:0], e[0]), e[1])
			b.suffixes.add([]byte(s), value...)
		}
	}
	b.pieces = newAutomaton(b.found)
	if b.regexps, err = newExpressions(b.exprs); err != nil {
		return x, err
	}
	return b.names, b.suffixes.build(func(into, value []byte) {})
}

// above gives the class that the nearest shorter suffix has for what is under it.
func (b *namesBuilder) above(name string) uint32 {
	for {
		_, rest, more := strings.Cut(name, ".")
		if !more {
			return 0
		}
		if e, ok := b.own[rest]; ok {
			return e[1]
		}
		name = rest
	}
}
