package trace

import (
	"fmt"
	"slices"
	"time"

	"dpilab/dpi/packet"
)

// ordered checks then: no packet of an item comes before one of the item that stands before it.
func (j *judging) ordered(items []item) {
	for i := range items {
		if !items[i].then {
			continue
		}
		seen := false
		for _, s := range j.sent {
			claim, ok := j.claims[s]
			if ok && claim == i {
				seen = true
			} else if ok && seen && claim < i {
				j.bad = true
			}
		}
	}
}

// judgeShares compares the shares, once all rounds and repeats are over.
func (r *Result) judgeShares() {
	for key, s := range r.shares {
		percent := 100 * float64(s.hit) / float64(max(s.of, 1))
		if percent < s.item.lo || percent > s.item.hi {
			r.Failures = append(r.Failures, Failure{key.line, s.text, fmt.Sprintf("%.1f %% (%d of %d)", percent, s.hit, s.of)})
		}
	}
	slices.SortStableFunc(r.Failures, func(a, b Failure) int { return a.Line - b.Line })
}

// amount checks bytes and rates.
func (j *judging) amount(x *item) {
	ip, payload := j.bytes()
	seconds := (j.end - j.begin).Seconds()
	switch x.kind {
	case isBytes:
		j.require(float64(payload) >= x.lo && float64(payload) <= x.hi)
	case isRate, isGoodput:
		n := ip
		if x.kind == isGoodput {
			n = payload
		}
		j.require(seconds > 0 && float64(n)/seconds >= x.lo && float64(n)/seconds <= x.hi)
	}
}

// bytes counts what came out of the packets of this line.
func (h *happening) bytes() (ip, payload int) {
	for _, s := range h.sent {
		var p packet.Packet
		if s.out != nil && decode(&p, s.out) == nil {
			ip += len(s.out)
			payload += len(p.Payload)
		}
	}
	return ip, payload
}

func (h *happening) duration() time.Duration { return h.end - h.begin }
