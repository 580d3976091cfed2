package rules

import (
	"encoding/binary"
	"math/bits"
)

// longestAsked is how long a name that is looked up may be: two bytes more than one that a list can have.
const longestAsked = maxName + 2

// nameKey is a name in the form that is quick to look up: lower-case, and with its dots found. It lives on the stack.
type nameKey struct {
	low  [longestAsked + 9]byte // the name, and at least eight bytes of anything behind it
	dots [4]uint64              // a bit for each byte of the name that is a dot
	n    int
}

// set takes a name, which must not be longer than longestAsked, eight bytes at a time.
func (k *nameKey) set(name []byte) {
	k.n = copy(k.low[:], name)
	for at := 0; at < k.n; at += 8 {
		w := lowerWord(binary.LittleEndian.Uint64(k.low[at:]))
		binary.LittleEndian.PutUint64(k.low[at:], w)
		k.dots[at>>6] |= dotsOf(w) << (at & 63)
	}
	if rest := k.n & 63; rest != 0 {
		k.dots[k.n>>6] &= 1<<rest - 1
	}
}

func (k *nameKey) name() []byte { return k.low[:k.n] }

// cutDot takes one last dot away.
func (k *nameKey) cutDot() {
	if k.n > 0 && k.low[k.n-1] == '.' {
		k.n--
		k.dots[k.n>>6] &^= 1 << (k.n & 63)
	}
}

// label gives where the label that ends at end begins.
func (k *nameKey) label(end int) int {
	if end == 0 {
		return 0
	}
	word := (end - 1) >> 6
	found := k.dots[word] << (63 - (end-1)&63) >> (63 - (end-1)&63)
	for found == 0 {
		if word == 0 {
			return 0
		}
		word--
		found = k.dots[word]
	}
	return word<<6 + bits.Len64(found)
}

const (
	each8    = 0x0101010101010101
	top8     = 0x80 * each8
	nameSeed = 0x9e3779b97f4a7c15
	mixWord  = 0xa0761d6478bd642f // of wyhash, public domain
	mixSize  = 0xe7037ed1a0b428db
)

// hash rolls the label from..end, and the dot before those behind it, into the hash of what is behind.
func (k *nameKey) hash(h uint64, from, end int) uint64 {
	h ^= uint64(end-from+1) * mixSize
	for ; end-from >= 8; from += 8 {
		h = fold(h ^ binary.LittleEndian.Uint64(k.low[from:]))
	}
	w := binary.LittleEndian.Uint64(k.low[from:]) & (1<<(8*uint(end-from)) - 1)
	return fold(h ^ w)
}

// of takes a name, and gives its hash and how many labels it has.
func (k *nameKey) of(name []byte) (h uint64, depth int) {
	k.dots = [4]uint64{}
	k.set(name)
	for end := k.n; ; depth++ {
		from := k.label(end)
		h = k.hash(h, from, end)
		if from == 0 {
			return h, depth + 1
		}
		end = from - 1
	}
}

// fold mixes every bit into all others, as wyhash does.
func fold(v uint64) uint64 {
	high, low := bits.Mul64(v^nameSeed, mixWord)
	return high ^ low
}

// lowerWord is lowerByte for eight bytes at once.
func lowerWord(w uint64) uint64 {
	seven := w &^ top8
	fromA, aboveZ := seven+(0x80-'A')*each8, seven+(0x7f-'Z')*each8
	return w | (fromA^aboveZ)&^w&top8>>2
}

// dotsOf gives a bit for each of the eight bytes that is a dot.
func dotsOf(w uint64) uint64 {
	x := w ^ '.'*each8
	dots := ^((x&^top8 + 0x7f*each8) | x) & top8 // exact: no borrow goes from one byte to the next
	return dots >> 7 * 0x0102040810204080 >> 56
}
