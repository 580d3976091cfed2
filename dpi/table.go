package dpi

import "time"

// none is no flow.
const none = 0

// chunk is how many flows are allocated at a time.
const chunk = 1024

// table finds flows by key: open addressing over indexes into chunks of flows, so that growing moves nothing and the
// garbage collector sees few objects. Flow 0 does not exist.
type table struct {
	seed   uint64
	index  []uint32 // a power of two long, at most half full
	chunks [][]flow
	free   []uint32
	used   int // flows that are open
	limit  int
	wheel  wheel
}

func newTable(limit int, seed uint64) table {
	size := 64
	for size < 2*limit {
		size *= 2
	}
	return table{seed: seed, index: make([]uint32, size), limit: limit}
}

func (t *table) at(i uint32) *flow { return &t.chunks[i/chunk][i%chunk] }

// find gives the flow with this key, or none.
func (t *table) find(k *key) uint32 {
	mask := uint64(len(t.index) - 1)
	for b := k.hash(t.seed) & mask; ; b = (b + 1) & mask {
		i := t.index[b]
		if i == none || t.at(i).key == *k {
			return i
		}
	}
}

// open adds a flow that find did not find; none when the table is full. The flow's other fields are for the caller to set.
func (t *table) open(k *key, expires time.Duration) uint32 {
	if t.used >= t.limit {
		return none
	}
	if len(t.free) == 0 {
		t.grow()
	}
	i := t.free[len(t.free)-1]
	t.free = t.free[:len(t.free)-1]
	f := t.at(i)
	*f = flow{key: *k, expires: expires}
	mask := uint64(len(t.index) - 1)
	b := k.hash(t.seed) & mask
	for t.index[b] != none {
		b = (b + 1) & mask
	}
	t.index[b] = i
	t.used++
	t.wheel.add(t, i)
	return i
}

func (t *table) grow() {
	first := uint32(len(t.chunks) * chunk)
	t.chunks = append(t.chunks, make([]flow, chunk))
	for i := first + chunk - 1; i > first; i-- {
		t.free = append(t.free, i)
	}
	if first != none {
		t.free = append(t.free, first)
	}
}

// close forgets a flow that is in no slot of the wheel.
func (t *table) close(i uint32) {
	k := &t.at(i).key
	mask := uint64(len(t.index) - 1)
	b := k.hash(t.seed) & mask
	for t.index[b] != i {
		b = (b + 1) & mask
	}
	// Move later members of the run back, so that no search ends at the hole.
	for n := (b + 1) & mask; t.index[n] != none; n = (n + 1) & mask {
		home := t.at(t.index[n]).key.hash(t.seed) & mask
		if (n-home)&mask >= (n-b)&mask {
			t.index[b] = t.index[n]
			b = n
		}
	}
	t.index[b] = none
	t.free = append(t.free, i)
	t.used--
}
