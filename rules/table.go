package rules

import (
	"bytes"
	"math/bits"
)

// table numbers short keys from 0 in the order in which they were put. It is a hash with open addressing over one block of
// bytes: half the memory of a map of strings, and the hash of a name's next longer suffix goes on from that of the last one.
type table struct {
	slots []slot // a power of two, at most half full
	keys  []key
	bytes []byte
}

// slot at 0 is empty, otherwise at-1 numbers the key. The tag saves most looks at the bytes of other keys.
type slot struct{ tag, at uint32 }

type key struct {
	from uint32
	size uint8
}

// FNV-1a, taken from the last byte to the first.
const (
	hashStart = 0xcbf29ce484222325
	hashPrime = 0x100000001b3
)

func hashByte(h uint64, c byte) uint64 { return (h ^ uint64(c)) * hashPrime }

func hashKey(k []byte) uint64 {
	h := uint64(hashStart)
	for i := len(k) - 1; i >= 0; i-- {
		h = hashByte(h, k[i])
	}
	return h
}

// place spreads FNV's weak high bits over the slots.
func (t *table) place(h uint64) (at, tag uint32) {
	h *= 0x9e3779b97f4a7c15
	return uint32(h >> (64 - bits.Len(uint(len(t.slots)-1)))), uint32(h)
}

// find gives the number of k, whose hash is h, or -1.
func (t *table) find(h uint64, k []byte) int {
	if len(t.slots) == 0 {
		return -1
	}
	mask := uint32(len(t.slots) - 1)
	for at, tag := t.place(h); ; at = (at + 1) & mask {
		s := t.slots[at]
		if s.at == 0 {
			return -1
		}
		if s.tag == tag && bytes.Equal(t.key(int(s.at-1)), k) {
			return int(s.at - 1)
		}
	}
}

// key gives the bytes of key number i; they are the table's own.
func (t *table) key(i int) []byte {
	k := t.keys[i]
	return t.bytes[k.from : k.from+uint32(k.size)]
}

// put gives the number of k, a new one if it is not there yet. No key is longer than 255 bytes.
func (t *table) put(k []byte) int {
	if at := t.find(hashKey(k), k); at >= 0 {
		return at
	}
	if 2*(len(t.keys)+1) > len(t.slots) {
		t.grow()
	}
	t.keys = append(t.keys, key{uint32(len(t.bytes)), uint8(len(k))})
	t.bytes = append(t.bytes, k...)
	t.enter(len(t.keys) - 1)
	return len(t.keys) - 1
}

func (t *table) enter(i int) {
	at, tag := t.place(hashKey(t.key(i)))
	for t.slots[at].at != 0 {
		at = (at + 1) & uint32(len(t.slots)-1)
	}
	t.slots[at] = slot{tag, uint32(i + 1)}
}

func (t *table) grow() {
	t.slots = make([]slot, max(8, 2*len(t.slots)))
	for i := range t.keys {
		t.enter(i)
	}
}
