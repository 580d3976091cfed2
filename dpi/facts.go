package dpi

import (
	"dpilab/dpi/packet"
	"dpilab/rules"
)

// The facts that only the payload can show, and those of them that a transport can have.
const (
	helloFacts = rules.FactSet(1<<rules.FactSNI | 1<<rules.FactJA3 | 1<<rules.FactJA4 | 1<<rules.FactProtocol |
		1<<rules.FactHello | 1<<rules.FactECH | 1<<rules.FactSize | 1<<rules.FactSigns)
	tcpFacts     = helloFacts | 1<<rules.FactHost | 1<<rules.FactCertificate
	udpFacts     = helloFacts | 1<<rules.FactQuery | 1<<rules.FactQUIC
	payloadFacts = tcpFacts | udpFacts
)

// begin starts a flow with its first packet: its policy, and the facts that the headers show.
func (e *Engine) begin(f *flow) {
	e.reload()
	e.stats.Opened++
	f.rule = noRule
	f.policy = e.current
	c := e.policies[f.policy].compiled
	e.policies[f.policy].flows++

	f.facts = facts{
		Known:  rules.AllFacts,
		Opened: rules.SideInside,
		To:     c.Addr(f.key.outside.addr()),
		From:   c.Addr(f.key.inside.addr()),
	}
	if e.dir == rules.Down {
		// The real boxes take any first packet for an opening, SYN or not (TDOC 15.2, D).
		f.facts.Opened = rules.SideOutside
	}
	profile := &c.Profile
	e.beginState(f, profile)
	f.depth = uint8(min(e.between(profile.Inspect), 255))
	switch {
	case !e.readable(f, c):
		f.flags |= flagUnread
	case f.transport() == rules.TransportTCP:
		f.facts.Known &^= tcpFacts
	default:
		f.facts.Known &^= udpFacts
	}
	e.draw(f, c)
	if profile.Miss.Share > 0 && e.lucky(f, &profile.Miss) {
		f.flags |= flagPassed
		return
	}
	if !e.held(f) {
		e.learnt(f)
	}
	e.meet(f, profile)
	if e.policies[f.policy].doubts.weighs && f.rule == noRule && !f.is(flagUnread|flagPassed) {
		e.takeBelief(f)
	}
}

// readable tells whether the flow's payload is looked at at all.
func (e *Engine) readable(f *flow, c *rules.Compiled) bool {
	if c.Reads()&payloadFacts == 0 || e.pkt.Fragment || !e.pkt.HasTransport {
		return false
	}
	if f.transport() != rules.TransportTCP && f.transport() != rules.TransportUDP {
		return false
	}
	return !c.Profile.Originator || f.facts.Opened == rules.SideInside
}

func transportOf(protocol uint8) rules.Transport {
	switch protocol {
	case packet.TCP:
		return rules.TransportTCP
	case packet.UDP:
		return rules.TransportUDP
	case packet.ICMP, packet.ICMPv6:
		return rules.TransportICMP
	}
	return rules.TransportOther
}

// between draws a whole number from a closed range.
func (e *Engine) between(r rules.Range) int {
	if r.Max <= r.Min {
		return r.Min
	}
	return r.Min + e.random.IntN(r.Max-r.Min+1)
}
