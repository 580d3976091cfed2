package rules

import (
	"encoding/binary"
	"iter"
	"math/bits"
	"regexp/syntax"
)

// tableBuilder makes an automaton whose states are the sets of steps that the machine can be at.
type tableBuilder struct {
	*machine
	*expressionTable
	work    int    // that is left
	one     []rune // of each kind of letters
	takers  []bitSet
	numbers map[string]uint32
	sets    []bitSet // of each state
	before  []rune   // of each state: a letter that tells as much as the one that led here
}

// table gives the automaton of the machine, or nil if it is too large or takes too much work, which is counted down.
func (m *machine) table(work *int) *expressionTable {
	b := tableBuilder{machine: m, expressionTable: &expressionTable{}, work: *work, numbers: map[string]uint32{}}
	ok := b.sortLetters() && b.fill()
	if *work = b.work; !ok {
		return nil
	}
	return b.expressionTable
}

func (b *tableBuilder) size() int { return (len(b.steps) + 63) / 64 }

// spend tells whether there is so much work left.
func (b *tableBuilder) spend(work int) bool {
	b.work -= work
	return b.work >= 0
}

// contexts are letters, one of each sort that differs from others in what can stand before and behind it.
var contexts = [...]rune{'a', '-', '\n'}

func context(letter rune) int {
	switch {
	case letter == '\n':
		return 2
	case syntax.IsWordChar(letter):
		return 0
	}
	return 1
}

// sortLetters sorts the letters into kinds.
func (b *tableBuilder) sortLetters() bool {
	if !b.spend(64 * len(b.steps)) {
		return false
	}
	numbers := map[string]uint8{}
	for letter := range rune(256) {
		takers := make(bitSet, b.size())
		for i := range b.steps {
			if takes(&b.steps[i], letter) {
				takers.add(uint32(i))
			}
		}
		key := string(takers.key([]byte{byte(context(letter))}))
		n, ok := numbers[key]
		if !ok {
			n = uint8(len(b.one))
			numbers[key] = n
			b.one, b.takers = append(b.one, letter), append(b.takers, takers)
		}
		b.letters[letter] = n
	}
	b.kinds = len(b.one)
	return true
}

// fill follows every state to those behind it, until there is no new one.
func (b *tableBuilder) fill() bool {
	var reached [len(contexts)]bitSet
	var found [len(contexts)]uint32
	for i := range reached {
		reached[i] = make(bitSet, b.size())
	}
	next := make(bitSet, b.size())
	b.state(next, noLetterHere, 0)
	for s := 0; s < len(b.sets); s++ {
		if (s+1)*b.kinds > mostCells || (s+1)*b.size() > mostCells {
			return false
		}
		clear(reached[0])
		b.end = append(b.end, b.between(b.sets[s], reached[0], syntax.EmptyOpContext(b.before[s], noLetterHere)))
		for i, letter := range contexts {
			clear(reached[i])
			found[i] = b.between(b.sets[s], reached[i], syntax.EmptyOpContext(b.before[s], letter))
			if !b.spend(reached[i].count()) {
				return false
			}
		}
		for kind, letter := range b.one {
			clear(next)
			at := context(letter)
			for i, word := range b.takers[kind] {
				for word &= reached[at][i]; word != 0; word &= word - 1 {
					next.add(b.steps[64*i+bits.TrailingZeros64(word)].Out)
				}
			}
			b.next = append(b.next, b.state(next, contexts[at], found[at]))
			if !b.spend(b.size()) {
				return false
			}
		}
	}
	return true
}

// state gives the number of a state, a new one if there is none.
func (b *tableBuilder) state(set bitSet, before rune, found uint32) uint32 {
	key := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, uint32(before)), found)
	key = set.key(key)
	n, ok := b.numbers[string(key)]
	if !ok {
		n = uint32(len(b.sets))
		b.numbers[string(key)] = n
		b.sets, b.before, b.found = append(b.sets, append(bitSet(nil), set...)), append(b.before, before), append(b.found, found)
	}
	return n
}

// bitSet is a set of small numbers.
type bitSet []uint64

func (s bitSet) has(n uint32) bool { return s[n/64]&(1<<(n%64)) != 0 }
func (s bitSet) add(n uint32)      { s[n/64] |= 1 << (n % 64) }

// all gives the numbers in the set, and allocates nothing.
func (s bitSet) all() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for i, word := range s {
			for ; word != 0; word &= word - 1 {
				if !yield(uint32(64*i + bits.TrailingZeros64(word))) {
					return
				}
			}
		}
	}
}

func (s bitSet) count() (n int) {
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// key appends what tells the set from others of the same size.
func (s bitSet) key(to []byte) []byte {
	for _, word := range s {
		to = binary.LittleEndian.AppendUint64(to, word)
	}
	return to
}
