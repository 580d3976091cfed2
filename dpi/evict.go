package dpi

import (
	"time"

	"dpilab/rules"
)

// evictBudget bounds the flows that are looked at for the one that gives way.
const evictBudget = 64

// evict opens a flow in a full table in place of another, where the policy of new flows says so; none where it does not.
func (e *Engine) evict(k *key, h uint64) uint32 {
	e.reload()
	if e.policies[e.current].compiled.Profile.Full != rules.FullEvicts {
		return none
	}
	i := e.flows.soonest(e.now, evictBudget)
	if i == none {
		return none
	}
	e.stats.Evicted++
	e.forget(e.flows.at(i))
	e.flows.close(i)
	return e.flows.open(k, h, e.now+time.Second)
}

// soonest takes a flow out of the wheel: of those that no rule hit, the one that is to be forgotten first, in whole seconds; after budget
// steps the best of those that were met, and one that was hit only if all were; none if there is no flow. One whose time is over goes
// before all. Flows that are hit are put off, so that they are not met each time: they may stay a minute longer in memory than their time.
func (t *table) soonest(now time.Duration, budget int) uint32 {
	const putOff, most = 8, 60
	w, best := &t.wheel, uint32(none)
	for at := w.cursor; at < w.cursor+slots && !t.ripe(best, now, at); at++ {
		for i := w.head[at%slots]; i != none && budget > 0; i = w.head[at%slots] {
			budget--
			w.head[at%slots] = t.at(i).slot
			if best == none || t.sooner(i, best) {
				i, best = best, i
			}
			if i != none {
				f, again := t.at(i), second(t.at(i).expires)
				if again <= at && at+putOff <= again+most {
					again = at + putOff
				}
				t.put(i, f, again)
			}
			if t.ripe(best, now, at) {
				return best
			}
		}
	}
	return best
}

// ripe tells whether a flow's time is over, or no rule hit it and it is to be forgotten by the second at.
func (t *table) ripe(i uint32, now time.Duration, at int64) bool {
	if i == none {
		return false
	}
	f := t.at(i)
	return f.expires <= now || f.rule == noRule && second(f.expires) <= at
}

// sooner tells whether flow i is to give way before flow o.
func (t *table) sooner(i, o uint32) bool {
	f, g := t.at(i), t.at(o)
	if hit := f.rule != noRule; hit != (g.rule != noRule) {
		return !hit
	}
	return f.expires < g.expires
}
