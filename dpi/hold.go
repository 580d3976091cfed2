package dpi

import (
	"time"

	"dpilab/rules"
)

// heldBy is the name of what a flow with this key leaves behind.
func heldBy(k *key, h rules.Hold) who {
	if h == rules.HoldPair {
		return who{inside: k.inside, outside: k.outside}
	}
	return who{outside: k.outside}
}

// hold makes the flow's rule hit the flows that open between its ends, or to its server, until the time given. Of two rules that
// hold the same, the one that lasts longer does (choice). It leaves the entry with the flow.
func (e *Engine) hold(f *flow, h rules.Hold, until time.Duration, banned bool) {
	r, w := &e.shared.holds, heldBy(&f.key, h)
	c, learnt := e.compiled(f), f.is(flagLearnt)
	l := e.takeLedger(f)
	r.mu.Lock()
	defer r.mu.Unlock()
	x := r.m[w]
	switch {
	case x != nil && x.policy == c && x.rule == f.rule && x.learnt == learnt && x.banned == banned:
	case x != nil && x.until.load() > until:
		return
	default:
		// Flows that have the former entry in hand keep it; it is nobody else's.
		if x = r.add(w, e.now); x == nil {
			return
		}
		x.policy, x.rule, x.learnt, x.banned = c, f.rule, learnt, banned
	}
	x.until.extend(until)
	x.users.Add(1)
	if l.hold != nil {
		l.hold.users.Add(-1)
	}
	l.hold = x
}

// held puts a flow that opens under what an earlier one left behind, and tells whether there was anything.
func (e *Engine) held(f *flow) bool {
	r := &e.shared.holds
	if r.n.Load() == 0 {
		return false
	}
	x := r.holding(&f.key, e.now)
	if x == nil {
		return false
	}
	e.takeLedger(f).hold = x
	f.flags |= flagHeld
	if x.learnt {
		f.flags |= flagLearnt
	}
	if x.banned {
		f.flags |= flagBanned
	}
	e.moveTo(f, x.policy)
	e.hit(f, x.rule)
	return true
}

// holding finds what lasts for the pair or the server, for a flow that keeps it in hand.
func (r *register) holding(k *key, now time.Duration) *entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, h := range [2]rules.Hold{rules.HoldPair, rules.HoldServer} {
		if x := r.m[heldBy(k, h)]; x != nil && now < x.until.load() {
			x.users.Add(1)
			return x
		}
	}
	return nil
}

// moveTo puts a flow that opens under another policy.
func (e *Engine) moveTo(f *flow, c *rules.Compiled) {
	e.policies[f.policy].flows--
	f.policy = e.generationOf(c)
	e.policies[f.policy].flows++
}
