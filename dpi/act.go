package dpi

import (
	"dpilab/rules"
)

// hit puts a flow under a rule, from the packet at hand on. A limit only counts a flow that is not one too many, where a rule behind it
// takes the flow.
func (e *Engine) hit(f *flow, rule int32) {
	f.rule = rule
	e.putReading(f)
	e.putBelief(f)
	begins := false
	if do := f.do(e); do.Mechanism == rules.MechanismLimit {
		begins = e.limit(f, do)
		if next := e.behind(f); next != noRule && e.banned(f) <= 0 {
			e.hit(f, next)
			return
		}
	}
	e.stats.Hit++
	do := f.do(e)
	e.emit(EventHit, f)
	switch do.Mechanism {
	case rules.MechanismDrop:
		if do.After.Max > 0 {
			e.takeLedger(f).left = int64(e.between(do.After.Range))
		}
	case rules.MechanismFreeze:
		l := e.takeLedger(f)
		l.left, l.other = int64(e.between(do.After.Range)), int64(e.between(do.Or.Range))
	case rules.MechanismPolice:
		e.police(f, do)
	case rules.MechanismLimit:
		if begins {
			e.emit(EventBan, f)
		}
	case rules.MechanismLearn:
		e.shared.learn(f, e.compiled(f), e.now, e.now+do.Delay)
	}
	switch {
	case f.is(flagHeld):
		f.expires = e.ledger(f).hold.until.load()
	case do.Residual > 0:
		f.expires = e.now + do.Residual
		if do.Hold != rules.HoldFlow {
			e.hold(f, do.Hold, f.expires, false)
		}
	}
}

// behind gives the rule that would have hit if the flow's were not there. What a rule has learnt or holds asks no other.
func (e *Engine) behind(f *flow) int32 {
	if f.is(flagLearnt | flagHeld) {
		return noRule
	}
	if next := e.compiled(f).MatchBehind(e.facts(f), int(f.rule)); next >= 0 {
		return int32(next)
	}
	return noRule
}

// touch keeps the flow in memory because of the packet at hand.
func (e *Engine) touch(f *flow) {
	if f.is(flagBanned) {
		return
	}
	if f.rule != noRule {
		if do := f.do(e); do.Residual > 0 {
			if do.Refresh {
				e.refresh(f, do)
			}
			return
		}
	}
	p := &e.compiled(f).Profile
	switch f.transport() {
	case rules.TransportTCP:
		f.expires = e.now + f.idleTCP(p)
	case rules.TransportUDP:
		f.expires = e.now + p.UDPIdle
	default:
		f.expires = e.now + p.OtherIdle
	}
}

// refresh starts the residual time again, for the flow and for what it holds.
func (e *Engine) refresh(f *flow, do *rules.Do) {
	f.expires = e.now + do.Residual
	if f.ledger != none && e.ledger(f).hold != nil {
		e.ledger(f).hold.until.extend(f.expires)
	}
}

// act lets the flow's mechanism decide the packet at hand; deciding is true for the packet that the rule hit with.
func (e *Engine) act(f *flow, deciding bool) fate {
	e.touch(f)
	do := f.do(e)
	if f.is(flagBanned) {
		return e.block(f, do)
	}
	if do.From != rules.StartPacket && !f.is(flagBegun) {
		if !e.starts(f, do) {
			return fate{}
		}
		f.flags |= flagBegun
		deciding = true // what Do.After lets by comes after the packet that it begins with
	}
	switch do.Mechanism {
	case rules.MechanismDrop:
		return e.drop(f, do, deciding)
	case rules.MechanismFreeze:
		return e.freeze(f, do)
	case rules.MechanismReset:
		return e.reset(f, do)
	case rules.MechanismPolice:
		side := sideOf(e.dir)
		if !e.ledger(f).buckets(do)[side].conforms(e.now, e.pkt.Length, do) {
			return e.dropped(f)
		}
	case rules.MechanismCapacity:
		if (do.Direction == rules.Both || do.Direction == e.dir) && e.random.IntN(100) >= do.Capacity {
			return e.dropped(f)
		}
	case rules.MechanismRedirect:
		return e.redirect(f, do)
	case rules.MechanismAnswer:
		return e.answer(f, do)
	case rules.MechanismPage:
		return e.page(f, do)
	case rules.MechanismLimit:
		return e.limited(f)
	case rules.MechanismPass, rules.MechanismLearn:
		return fate{Offload: OffloadPass}
	}
	return fate{}
}

// starts tells whether the packet at hand is the one that a mechanism waits for. It goes the way on which the mechanism works: what is
// sent the other way is no packet that it could have begun with.
func (e *Engine) starts(f *flow, do *rules.Do) bool {
	if dir, one := f.oneWay(do); one && e.dir != dir {
		return false
	}
	if do.From == rules.StartData {
		return e.isData(f)
	}
	return e.pkt.PayloadLength > 0
}

// oneWay gives the direction of a mechanism that works on one alone.
func (f *flow) oneWay(do *rules.Do) (dir rules.Direction, one bool) {
	switch {
	case do.Mechanism != rules.MechanismReset:
		return do.Direction, do.Direction != rules.Both
	case do.Inject:
		return rules.Both, false // Direction says who gets an RST
	case f.facts.Opened == rules.SideOutside:
		return rules.Up, true
	}
	return rules.Down, true
}

func (e *Engine) dropped(f *flow) fate {
	e.emit(EventDrop, f)
	return fate{Action: Drop}
}

// drop is SNI-II, SNI-IV, the up-only drop of B43, the protocol blocks of B24 and B25, and the block of an address.
func (e *Engine) drop(f *flow, do *rules.Do, deciding bool) fate {
	if do.After.Max > 0 && (deciding || e.ledger(f).spend(e.cost(f, &do.After))) {
		return fate{}
	}
	return e.block(f, do)
}
