package dpi

import "time"

// none is no flow, and nothing of a pool.
const none = 0

// chunk is how many flows are allocated at a time: a whole number of pages, so that none of it is lost.
const chunk = 512

// table finds flows by key. Flows live in chunks and never move; the index of their places grows with them, a few steps with each flow that
// opens, so that nobody waits for it. The garbage collector finds no pointers in either. Flow 0 does not exist.
type table struct {
	seed   uint64
	index  places
	former places // that index grows out of; nil: nothing
	moved  int    // places of former that are empty for good
	chunks [][]flow
	free   uint32 // first of the flows that are not open, linked by slot
	used   int    // flows that are open
	limit  int
	wheel  wheel
}

const (
	leastPlaces = 1024
	// moves are the steps in which an index grows with a flow that opens: three would do, one for each place of the former one, which is at
	// most half full, before the new one is half full.
	moves = 8
)

func newTable(limit int, seed uint64) table {
	return table{seed: seed, index: make(places, leastPlaces), limit: limit}
}

func (t *table) at(i uint32) *flow { return &t.chunks[i/chunk][i%chunk] }

func (t *table) hash(k *key) uint64 { return k.hash(t.seed) }

// find gives the flow with this key and its hash, or none.
func (t *table) find(k *key, h uint64) uint32 {
	i := t.findIn(t.index, k, h)
	if i == none && t.former != nil {
		i = t.findIn(t.former, k, h)
	}
	return i
}

func (t *table) findIn(s places, k *key, h uint64) uint32 {
	for b := h; ; b++ {
		p := s[b&uint64(len(s)-1)]
		if p == 0 || p.hash() == uint32(h) && t.at(p.flow()).key.same(k) {
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
	t.growIndex()
	i := t.free
	f := t.at(i)
	t.free = f.slot
	*f = flow{key: *k, expires: expires}
	t.index.add(placeOf(h, i))
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

// growIndex makes room for one more place.
func (t *table) growIndex() {
	if t.former == nil {
		if 2*(t.used+1) <= len(t.index) {
			return
		}
		t.former, t.moved, t.index = t.index, 0, make(places, 2*len(t.index))
	}
	for range moves {
		if t.moved == len(t.former) {
			t.former = nil
			return
		}
		if p := t.former[t.moved]; p != 0 {
			t.index.add(p)
			t.former.clear(uint64(t.moved)) // may bring another one here
		} else {
			t.moved++
		}
	}
}

// close forgets a flow that is in no slot of the wheel.
func (t *table) close(i uint32) {
	f := t.at(i)
	p := placeOf(t.hash(&f.key), i)
	if t.former == nil || !t.former.remove(p) {
		t.index.remove(p)
	}
	f.slot, t.free = t.free, i
	t.used--
}
