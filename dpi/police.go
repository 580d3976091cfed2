package dpi

import (
	"math/bits"
	"time"

	"dpilab/rules"
)

// police gives a flow its buckets: its own, or those that all flows of the inside address have under the rule. When the register
// is full the flow has its own (choice).
func (e *Engine) police(f *flow, do *rules.Do) {
	l := e.takeLedger(f)
	if !do.Subscriber {
		return
	}
	r := &e.shared.subscribers
	r.mu.Lock()
	defer r.mu.Unlock()
	if x := r.take(who{policy: e.compiled(f), rule: f.rule, inside: f.key.inside}, e.now); x != nil {
		l.entry = x
	}
}

// buckets are those that the flow's packets, up and down, must fit.
func (l *ledger) buckets(do *rules.Do) *[2]atomicTime {
	if do.Subscriber && l.entry != nil {
		return &l.entry.full
	}
	return &l.full
}

// conforms is the policer: the bucket is known by the time at which it will be full again, and a packet of n bytes passes when the
// bucket holds as many. Packets that do not pass take nothing out (IMC21, P: loss, no delay, a bucket a direction).
func (t *atomicTime) conforms(now time.Duration, n int, do *rules.Do) bool {
	if int64(n) > do.Burst {
		return false
	}
	cost := worth(int64(n), do.Rate, true)
	depth := worth(do.Burst, do.Rate, false)
	for {
		old := t.ns.Load()
		then := max(old, int64(now)) + cost
		// A full bucket holds what fits, whatever was rounded.
		if then-int64(now) > depth && old > int64(now) {
			return false
		}
		if t.ns.CompareAndSwap(old, then) {
			return true
		}
	}
}

// maxWorth is 36 years, so that sums of times do not overflow.
const maxWorth = 1 << 60

// worth is how long so many bytes take at this rate, in nanoseconds. Rounded against the sender, what passes in any time is never
// more than the rate allows.
func worth(n, rate int64, up bool) int64 {
	if n <= 0 {
		return 0
	}
	if rate <= 0 {
		return maxWorth
	}
	hi, lo := bits.Mul64(uint64(n), uint64(time.Second))
	if hi >= uint64(rate) {
		return maxWorth
	}
	q, rest := bits.Div64(hi, lo, uint64(rate))
	if up && rest > 0 {
		q++
	}
	return int64(min(q, maxWorth))
}
