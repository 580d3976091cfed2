package dpi

import (
	"hash/maphash"
	"time"

	"dpilab/rules"
)

// nameSeed makes hashes of names that count together: of one process, so of all engines that have a Shared in common.
var nameSeed = maphash.MakeSeed()

// limit counts a flow with those of its kind (B21: HABR 1044396, N4P#546, C). A flow that does not have what the key asks for does not
// count: one without a server name is let be. So is one that finds the register full (choice).
func (e *Engine) limit(f *flow, do *rules.Do) (begins bool) {
	w := who{policy: e.compiled(f), rule: f.rule}
	if do.Keys&rules.LimitClient != 0 {
		w.inside = f.key.inside
	}
	switch {
	case do.Keys&rules.LimitServer != 0:
		w.outside = f.key.outside
	case do.Keys&rules.LimitServer24 != 0:
		w.outside = network(f.key.outside)
	}
	e.noteNames(f)
	if l := e.ledger(f); l != nil {
		w.sni, w.ja4 = l.names[0], l.names[1]
	}
	if do.Keys&rules.LimitSNI != 0 && w.sni == 0 || do.Keys&rules.LimitJA4 != 0 && w.ja4 == 0 {
		return false
	}
	if do.Keys&rules.LimitSNI == 0 {
		w.sni = 0
	}
	if do.Keys&rules.LimitJA4 == 0 {
		w.ja4 = 0
	}
	return e.arrive(f, do, w)
}

// noteNames keeps what the packet at hand shows in its hello: the rule may hit with a later one.
func (e *Engine) noteNames(f *flow) {
	if f.facts.Hello == rules.HelloNamed && len(e.name) > 0 {
		e.takeLedger(f).names[0] = maphash.Bytes(nameSeed, e.name)
	}
	if len(e.ja4) > 0 {
		e.takeLedger(f).names[1] = maphash.Bytes(nameSeed, e.ja4)
	}
}

// network is the /24 of an IPv4 address, the /48 of an IPv6 one.
func network(a address) address {
	b, keep := a.bytes(), 6
	if a.addr().Is4() {
		keep = 15
	}
	clear(b[keep:])
	return addressOf(b)
}

// arrive counts a flow under its name and tells whether it begins a ban. Flows that come while a ban lasts are not counted (choice).
func (e *Engine) arrive(f *flow, do *rules.Do, w who) bool {
	r := &e.shared.limits
	l := e.takeLedger(f)
	r.mu.Lock()
	defer r.mu.Unlock()
	x := r.take(w, e.now)
	if x == nil {
		return false
	}
	l.entry = x
	if e.now < x.until.load() || !x.tooMany(e.now, do) {
		return false
	}
	x.until.extend(e.now + do.Ban)
	return true
}

// tooMany enters a flow that comes now, or tells that it is one more than Limit in Window: times are those of the last Limit flows.
func (x *entry) tooMany(now time.Duration, do *rules.Do) bool {
	if len(x.times) < do.Limit {
		x.times = append(x.times, now)
	} else {
		if do.Limit == 0 || x.times[x.oldest] > now-do.Window {
			return true
		}
		x.times[x.oldest] = now
		x.oldest = (x.oldest + 1) % do.Limit
	}
	x.latest = now + do.Window
	return false
}

// banned is how long flows like this one, which was counted, are silent yet; 0 or less: they are not.
func (e *Engine) banned(f *flow) time.Duration {
	if f.ledger == none || e.ledger(f).entry == nil {
		return 0
	}
	return e.ledger(f).entry.until.load() - e.now
}

// limited decides a packet of a flow that was counted: all of its kind are silent while the ban lasts, those that opened before it as
// well.
func (e *Engine) limited(f *flow) fate {
	if f.ledger == none || e.ledger(f).entry == nil {
		return fate{Offload: OffloadPass}
	}
	rest := e.banned(f)
	if rest <= 0 {
		return fate{}
	}
	v := e.dropped(f)
	if rest > offloadRest {
		v.Offload = OffloadDrop
	}
	return v
}
