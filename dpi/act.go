package dpi

import (
	"time"

	"dpilab/rules"
)

// hit puts a flow under a rule, from the packet at hand on.
func (e *Engine) hit(f *flow, rule int32) {
	f.rule = rule
	e.putReading(f)
	e.stats.Hit++
	do := f.do(e)
	switch do.Mechanism {
	case rules.MechanismDrop:
		f.left = int32(e.between(do.After.Range))
	case rules.MechanismPolice:
		f.tat = [2]time.Duration{e.now, e.now}
	case rules.MechanismLearn:
		e.shared.learn(f, e.compiled(f), e.now, e.now+do.Delay)
	}
	if do.Residual > 0 {
		f.expires = e.now + do.Residual
	}
	e.emit(EventHit, f)
}

// touch keeps the flow in memory because of the packet at hand.
func (e *Engine) touch(f *flow) {
	if f.rule != noRule {
		if do := f.do(e); do.Residual > 0 {
			if do.Refresh {
				f.expires = e.now + do.Residual
			}
			return
		}
	}
	p := &e.compiled(f).Profile
	switch f.facts.Transport {
	case rules.TransportTCP:
		f.expires = e.now + p.TCPIdle
	case rules.TransportUDP:
		f.expires = e.now + p.UDPIdle
	default:
		f.expires = e.now + p.OtherIdle
	}
}

// act lets the flow's mechanism decide the packet at hand; deciding is true for the packet that the rule hit with.
func (e *Engine) act(f *flow, deciding bool) Verdict {
	e.touch(f)
	do := f.do(e)
	switch do.Mechanism {
	case rules.MechanismDrop:
		return e.drop(f, do, deciding)
	case rules.MechanismReset:
		return e.reset(f)
	case rules.MechanismPolice:
		if !f.conforms(sideOf(e.dir), e.now, len(e.pkt.Data), do) {
			return e.dropped(f)
		}
	case rules.MechanismCapacity:
		if e.random.IntN(100) >= do.Capacity {
			return e.dropped(f)
		}
	case rules.MechanismRedirect:
		return e.redirect(f, do)
	case rules.MechanismPass, rules.MechanismLearn:
		return Verdict{Offload: OffloadPass}
	}
	return Verdict{}
}

func (e *Engine) dropped(f *flow) Verdict {
	e.emit(EventDrop, f)
	return Verdict{Action: Drop}
}

// offloadRest is what a residual block must have left for the kernel to hold a part of it: its entries last two seconds.
const offloadRest = 3 * time.Second

// drop is SNI-II, SNI-IV, the up-only drop of B43 and the block of an address.
func (e *Engine) drop(f *flow, do *rules.Do, deciding bool) Verdict {
	if do.After.Max > 0 && deciding {
		return Verdict{}
	}
	if f.left > 0 {
		f.left--
		return Verdict{}
	}
	if do.Direction != rules.Both && do.Direction != e.dir {
		return Verdict{}
	}
	v := e.dropped(f)
	// A refreshed residual needs every packet seen.
	if do.Direction == rules.Both && !do.Refresh && f.expires-e.now > offloadRest {
		v.Offload = OffloadDrop
	}
	return v
}

// reset is SNI-I: whatever the server sends comes out as RST/ACK without payload (IMC22, P2). What is not TCP has no RST and
// is dropped.
func (e *Engine) reset(f *flow) Verdict {
	if e.dir != rules.Down {
		return Verdict{}
	}
	data := e.pkt.ToRSTACK()
	if data == nil {
		return e.dropped(f)
	}
	e.emit(EventRewrite, f)
	return Verdict{Action: Rewrite, Data: data}
}

// conforms is the policer's bucket, as the time at which it will be full again: a packet of n bytes passes when the bucket
// holds as many. Packets that do not pass take nothing out (IMC21, P: loss, no delay, a bucket a direction).
func (f *flow) conforms(side int, now time.Duration, n int, do *rules.Do) bool {
	cost := time.Duration(int64(n) * int64(time.Second) / do.Rate)
	depth := time.Duration(do.Burst * int64(time.Second) / do.Rate)
	full := max(f.tat[side], now) + cost
	if full-now > depth {
		return false
	}
	f.tat[side] = full
	return true
}
