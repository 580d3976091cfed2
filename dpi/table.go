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
	coming places // parts of the next index
	former places // that index grows out of; nil: nothing
	moved  int    // places of former that are empty for good
	chunks [][]flow
	free   uint32 // first of the flows that are not open, linked by slot
	last   uint32 // and the last, where there is a first
	used   int    // flows that are open
	limit  int
	wheel  wheel
}

// moves are the steps in which an index grows with a flow that opens: three would do, one for each place of the former one, which is at
// most half full, and for each flow in it, before the new one is half full.
const moves = 8

func newTable(limit int, seed uint64) table {
	return table{seed: seed, index: places{new([part]place)}, limit: limit}
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
		p := *s.at(b)
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
	t.put(i, f, second(expires))
	return i
}

func (t *table) grow() {
	first := uint32(len(t.chunks) * chunk)
	some := make([]flow, chunk)
	t.chunks = append(t.chunks, some)
	for i := range uint32(chunk) {
		if first+i != none {
			t.release(first+i, &some[i])
		}
	}
}

// growIndex makes room for one more place. The next index is made part by part before it is needed.
func (t *table) growIndex() {
	if t.former == nil {
		size := t.index.size()
		if size >= 2*t.limit {
			return
		}
		for due := (8*t.used - 3*size) * 2 * len(t.index) / size; len(t.coming) < due; {
			t.coming = append(t.coming, new([part]place))
		}
		if 2*(t.used+1) <= size {
			return
		}
		t.former, t.moved, t.index, t.coming = t.index, 0, t.coming, nil
	}
	for range moves {
		if t.moved == t.former.size() {
			t.former = nil
			return
		}
		if p := *t.former.at(uint64(t.moved)); p != 0 {
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
	t.release(i, f)
	t.used--
}

// release puts flow i, which is f, behind those that are not open.
func (t *table) release(i uint32, f *flow) {
	f.slot = none
	if t.free == none {
		t.free = i
	} else {
		t.at(t.last).slot = i
	}
	t.last = i
}
