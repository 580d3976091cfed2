package dpi

import (
	"sync"
	"sync/atomic"
	"time"

	"dpilab/rules"
)

// maxShared bounds each of the tables; a full one takes nothing new until something in it has expired. sweepBudget is how many of them are
// looked at for that when something is to be entered.
const (
	maxShared   = 65536
	sweepBudget = 64
)

// Shared is what the engines of one box tell each other: servers that were learnt, queries that were redirected, whose answers may
// come to another engine, and what rules do to more than one flow. Any goroutine. Engines look into it only when a policy put
// something there.
type Shared struct {
	learnt      memory[server, lesson]
	redirects   memory[key, [16]byte]
	holds       register // what residual blocks and bans of pairs and servers cover
	limits      register // flows that count together
	subscribers register // their buckets
}

// NewShared gives a Shared with nothing in it.
func NewShared() *Shared { return new(Shared) }

// server is what is learnt: an address, a port and a transport (TDOC, D: the list that is pushed back is of IP:port).
type server struct {
	addr      address
	port      uint16
	transport uint8
}

// lesson is the rule that learnt a server; it acts from the time due on.
type lesson struct {
	policy *rules.Compiled
	rule   int32
	due    time.Duration
}

// lessonLife is how long a server stays learnt once its lesson acts: blocked addresses stay for months (IMC22*, P2); three of them: choice.
const lessonLife = 90 * 24 * time.Hour

func serverOf(k *key) server { return server{k.outside, k.outsidePort, k.transport} }

// learn notes the flow's server; the first sight of it counts.
func (s *Shared) learn(f *flow, c *rules.Compiled, now, due time.Duration) {
	s.learnt.put(serverOf(&f.key), lesson{c, f.rule, due}, now, due+lessonLife, false)
}

// learnt puts a flow that opens under the rule that learnt its server, if its time has come (B40: TDOC, D).
func (e *Engine) learnt(f *flow) {
	if e.shared.learnt.n.Load() == 0 {
		return
	}
	l, ok := e.shared.learnt.get(serverOf(&f.key), e.now)
	if !ok || e.now < l.due {
		return
	}
	e.moveTo(f, l.policy)
	f.flags |= flagLearnt
	e.hit(f, l.rule)
}

func (s *Shared) redirected(answer key, asked [16]byte, now, until time.Duration) {
	s.redirects.put(answer, asked, now, until, true)
}

func (s *Shared) hasRedirects() bool { return s.redirects.n.Load() > 0 }

func (s *Shared) asked(answer key, now time.Duration) ([16]byte, bool) {
	return s.redirects.get(answer, now)
}

// memory is a small table with expiry that many goroutines share.
type memory[K comparable, V any] struct {
	n     atomic.Int64
	mu    sync.Mutex
	m     map[K]remembered[V]
	names round[K] // of m
}

type remembered[V any] struct {
	value V
	until time.Duration
}

func (t *memory[K, V]) get(k K, now time.Duration) (V, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r, ok := t.m[k]
	return r.value, ok && now < r.until
}

// put stores v until its time; replace says whether a value that is there already gives way.
func (t *memory[K, V]) put(k K, v V, now, until time.Duration, replace bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.m == nil {
		t.m = make(map[K]remembered[V])
	}
	if r, ok := t.m[k]; ok {
		if now < r.until && !replace {
			return
		}
	} else {
		if len(t.m) >= maxShared && !t.sweep(now, sweepBudget) {
			return
		}
		t.names.add(k)
	}
	t.m[k] = remembered[V]{v, until}
	t.n.Store(int64(len(t.m)))
}

// sweep makes room in a full table, as far as some of what is in it has expired; it tells whether there is any.
func (t *memory[K, V]) sweep(now time.Duration, budget int) bool {
	t.names.some(budget, func(k K) bool {
		if t.m[k].until > now {
			return true
		}
		delete(t.m, k)
		return false
	})
	return len(t.m) < maxShared
}
