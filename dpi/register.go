package dpi

import (
	"sync"
	"sync/atomic"
	"time"

	"dpilab/rules"
)

// register holds what flows have in common, under a name. Any goroutine: its lock is taken when a flow is hit or opens; on the way
// of later packets a flow has its entry in hand.
type register struct {
	n     atomic.Int64 // entries
	mu    sync.Mutex
	m     map[who]*entry
	names round[who] // of m
	free  []*entry
}

// who is what flows have in common. Fields that do not tell flows apart are zero.
type who struct {
	policy          *rules.Compiled
	rule            int32
	inside, outside address
	sni, ja4        uint64
}

// entry is one of them. What is not atomic belongs to the register's lock, or does not change while the entry has users.
type entry struct {
	users  atomic.Int32  // flows that have it in hand
	until  atomicTime    // hold: how long it lasts; limit: the end of the ban
	full   [2]atomicTime // police: when the buckets, up and down, will be full again
	policy *rules.Compiled
	rule   int32
	learnt bool // hold: Do.Then of the rule
	banned bool // hold: nothing of Do.Direction passes
	times  []time.Duration
	oldest int           // limit: index into times
	latest time.Duration // limit: from when on none of the times matters
}

// idle tells whether nothing would be lost with the entry.
func (x *entry) idle(now time.Duration) bool {
	return x.users.Load() == 0 && x.until.load() <= now && x.full[0].load() <= now && x.full[1].load() <= now && x.latest <= now
}

// take gives the entry of this name, making it where there is none, for a flow that keeps it in hand; nil when the register is
// full. The register must be locked.
func (r *register) take(w who, now time.Duration) *entry {
	x := r.m[w]
	if x == nil {
		if x = r.add(w, now); x == nil {
			return nil
		}
	}
	x.users.Add(1)
	return x
}

// add enters a new entry of this name in place of one that may be there.
func (r *register) add(w who, now time.Duration) *entry {
	if r.m == nil {
		r.m = make(map[who]*entry)
	}
	if _, ok := r.m[w]; !ok {
		if len(r.m) >= maxShared && !r.sweep(now, sweepBudget) {
			return nil
		}
		r.names.add(w)
	}
	if len(r.free) == 0 {
		for i, some := 0, make([]entry, 64); i < len(some); i++ {
			r.free = append(r.free, &some[i])
		}
	}
	x := r.free[len(r.free)-1]
	r.free = r.free[:len(r.free)-1]
	r.m[w] = x
	r.n.Store(int64(len(r.m)))
	return x
}

// sweep makes room in a full register, as far as some of the entries are idle; it tells whether there is any.
func (r *register) sweep(now time.Duration, budget int) bool {
	r.names.some(budget, func(w who) bool {
		x := r.m[w]
		if !x.idle(now) {
			return true
		}
		delete(r.m, w)
		*x = entry{times: x.times[:0]}
		r.free = append(r.free, x)
		return false
	})
	r.n.Store(int64(len(r.m)))
	return len(r.m) < maxShared
}
