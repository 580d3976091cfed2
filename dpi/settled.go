package dpi

import "time"

// Settled tells whether the policy that SetPolicy brought last is the only one left: no flow lives under another, and none that opens
// can come under one by what earlier flows left behind. Same goroutine as Handle. It takes time that grows with what is left behind.
func (e *Engine) Settled() bool {
	c := e.wanted.Load()
	for i := range e.policies {
		if g := &e.policies[i]; g.flows > 0 && g.compiled != c {
			return false
		}
	}
	foreign := false
	e.shared.learnt.each(e.now, func(l lesson) { foreign = foreign || l.policy != c })
	r := &e.shared.holds
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, x := range r.m {
		foreign = foreign || x.policy != c && x.until.load() > e.now
	}
	return !foreign
}

// each calls f with what has not expired.
func (t *memory[K, V]) each(now time.Duration, f func(V)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.m {
		if now < r.until {
			f(r.value)
		}
	}
}
