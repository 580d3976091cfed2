package dpi

import (
	"time"

	"dpilab/rules"
)

// freeze drops once what came by since the flow's first packet has used up Do.After or Do.Or (B19, B20: N4P#490, DPICH, C). A flow that was
// frozen stays so; one that opens where a ban is in force is frozen from its first packet on.
func (e *Engine) freeze(f *flow, do *rules.Do) fate {
	l := e.ledger(f)
	if l.left > 0 {
		if e.within(f, &do.After, l.left) && (do.Or.Max == 0 || e.within(f, &do.Or, l.other)) {
			return fate{}
		}
		l.left = 0
		e.emit(EventFreeze, f)
		if do.Ban > 0 {
			e.ban(f, do)
		}
	}
	return e.block(f, do)
}

// mayFreeze tells whether the flow's tally can still matter: it is under a freeze, or a rule may put it under one.
func (e *Engine) mayFreeze(f *flow) bool {
	if f.rule == noRule {
		return !f.is(flagPassed)
	}
	return f.do(e).Mechanism == rules.MechanismFreeze
}

// within tells whether the packet at hand, which is in the tally, fits into what may pass, and the ones before it had left anything.
func (e *Engine) within(f *flow, c *rules.Count, most int64) bool {
	sum := e.ledger(f).passed(c)
	return sum <= most && sum-e.cost(f, c) < most
}

// ban keeps the flow, and what Do.Hold covers, frozen for Do.Ban (N4P#490, C: a server was blocked for ten minutes).
func (e *Engine) ban(f *flow, do *rules.Do) {
	f.flags |= flagBanned
	f.expires = e.now + do.Ban
	if do.Hold != rules.HoldFlow {
		e.hold(f, do.Hold, f.expires, true)
	}
	e.emit(EventBan, f)
}

// block drops the packet at hand if it goes in a direction that the rule drops.
func (e *Engine) block(f *flow, do *rules.Do) fate {
	if do.Direction != rules.Both && do.Direction != e.dir {
		return fate{}
	}
	v := e.dropped(f)
	// A refreshed residual needs every packet seen, and the kernel knows no directions.
	if do.Direction == rules.Both && !do.Refresh && f.expires-e.now > offloadRest {
		v.Offload = OffloadDrop
	}
	return v
}

// offloadRest is what a block must have left for the kernel to hold a part of it: its entries last two seconds.
const offloadRest = 3 * time.Second
