package dpi

import "time"

// none is no flow, and nothing of a pool.
const none = 0

// chunk is how many flows are allocated at a time.
const chunk = 1024

// table finds flows by key: open addressing over an index of hashes and numbers of flows, which live in chunks. Growing moves nothing, a
// search looks at flows of other keys next to never, and the garbage collector finds no pointer in a flow. Flow 0 does not exist.
type table struct {
	seed   uint64
	index  []place // a power of two long, at most half full
	chunks [][]flow
	free   uint32 // first of the flows that are not open, linked by slot
	used   int    // flows that are open
	limit  int
	wheel  wheel
}

// place is the low half of a key's hash above the number of its flow; 0: no flow.
type place uint64

func placeOf(h uint64, i uint32) place { return place(h<<32 | uint64(i)) }

func (p place) flow() uint32 { return uint32(p) }

// home is where in an index with this mask a search for the flow begins.
func (p place) home(mask uint64) uint64 { return uint64(p) >> 32 & mask }

func newTable(limit int, seed uint64) table {
	size := 64
	for size < 2*limit {
		size *= 2
	}
	return table{seed: seed, index: make([]place, size), limit: limit}
}

func (t *table) at(i uint32) *flow { return &t.chunks[i/chunk][i%chunk] }

func (t *table) hash(k *key) uint64 { return k.hash(t.seed) }

// find gives the flow with this key and its hash, or none.
func (t *table) find(k *key, h uint64) uint32 {
	mask := uint64(len(t.index) - 1)
	for b := h & mask & 0xffffffff; ; b = (b + 1) & mask {
		p := t.index[b&mask]
		if p == 0 {
			return none
		}
		if uint64(p)>>32 == h&0xffffffff && t.at(p.flow()).key == *k {
			return p.flow()
		}
	}
}

// open adds a flow that find did not find; none when the table is full. The flow's other fields are for the caller to set.
func (t *table) open(k *key, h uint64, expires time.Duration) uint32 {
	if t.used >= t.limit {
		return none
	}
	if t.free == none {
		t.grow()
	}
	i := t.free
	f := t.at(i)
	t.free = f.slot
	*f = flow{key: *k, expires: expires}
	p, mask := placeOf(h, i), uint64(len(t.index)-1)
	b := p.home(mask)
	for t.index[b] != 0 {
		b = (b + 1) & mask
	}
	t.index[b] = p
	t.used++
	t.wheel.add(i, f)
	return i
}

func (t *table) grow() {
	first := uint32(len(t.chunks) * chunk)
	some := make([]flow, chunk)
	t.chunks = append(t.chunks, some)
	for i := chunk - 1; i >= 0; i-- {
		if n := first + uint32(i); n != none {
			some[i].slot, t.free = t.free, n
		}
	}
}

// close forgets a flow that is in no slot of the wheel.
func (t *table) close(i uint32) {
	f := t.at(i)
	p, mask := placeOf(t.hash(&f.key), i), uint64(len(t.index)-1)
	b := p.home(mask)
	for t.index[b] != p {
		b = (b + 1) & mask
	}
	// Move later members of the run back, so that no search ends at the hole.
	for n := (b + 1) & mask; t.index[n] != 0; n = (n + 1) & mask {
		if (n-t.index[n].home(mask))&mask >= (n-b)&mask {
			t.index[b] = t.index[n]
			b = n
		}
	}
	t.index[b] = 0
	f.slot, t.free = t.free, i
	t.used--
}
