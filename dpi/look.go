package dpi

import (
	"dpilab/dpi/inspect"
	"dpilab/dpi/packet"
	"dpilab/rules"
)

// look reads the packet at hand, as far as the flow is still of interest, and asks the policy.
//
// A flow's payload is of interest in three ways, one after the other. First its opening is read: what it is, and what its hello or
// request says; after TLS and what wraps it, that goes on for some packets (IMC21, P). Then, if a rule asks for signs that may
// still come, packets are watched for those. And from then on, under a policy with rules that are asked again, each further
// hello or request of a flow that nothing hit is read by itself.
func (e *Engine) look(f *flow) {
	c, g := e.compiled(f), &e.policies[f.policy]
	before, was := f.facts, f.flags
	e.doubted = f.belief != none && e.weigh(f, c, g)
	if f.is(flagAgain) {
		if !e.lookForSigns(f, c, g, &before) {
			e.lookAgain(f, c, g)
		}
		return
	}
	if f.transport() == rules.TransportTCP && e.pkt.Flags&packet.SYN != 0 && !e.doubted {
		f.setNext(sideOf(e.dir), e.start())
	}
	if e.pkt.PayloadLength > 0 && !f.is(flagUnread) {
		e.lookAtPayload(f, c, g)
	}
	changed := f.packets == 1 || f.facts != before || f.is(flagGivenUp)
	f.flags &^= flagGivenUp
	if !changed && f.is(flagOver) == (was&flagOver != 0) {
		return // what was pending still is
	}
	hit, pending := g.ask(e.facts(f))
	switch over := f.is(flagOver); {
	case hit >= 0:
		e.hit(f, hit)
	case !over && f.is(flagLooked):
	case !pending:
		e.pass(f, c, g)
	case over:
		e.readOn(f, c, g)
	}
}

// lookForSigns watches a flow that is read on for signs that may still come, and tells whether one of them made a rule hit.
func (e *Engine) lookForSigns(f *flow, c *rules.Compiled, g *generation, before *facts) (hit bool) {
	if f.facts.Known.Has(rules.FactSigns) {
		return false
	}
	if e.pkt.PayloadLength > 0 && e.believed() {
		f.count(sideOf(e.dir), e.pkt.PayloadLength, c.Profile.Encrypted.Size)
		e.watch(f, c, g)
		if !g.asked.mayShow(f) {
			f.facts.Known = f.facts.Known.With(rules.FactSigns)
		}
	}
	if f.facts == *before {
		return false
	}
	rule := c.Match(e.facts(f))
	if rule >= 0 {
		e.hit(f, int32(rule))
	}
	return rule >= 0
}

// lookAtPayload lets the packet at hand add to the facts.
func (e *Engine) lookAtPayload(f *flow, c *rules.Compiled, g *generation) {
	if !e.believed() {
		return
	}
	f.count(sideOf(e.dir), e.pkt.PayloadLength, c.Profile.Encrypted.Size)
	if f.looked == 1 {
		e.sawFirst(f)
	}
	if !f.is(flagOver) && (g.sizes || e.read(f, c)) {
		e.end(f)
	}
	e.watch(f, c, g)
	if f.is(flagOver|flagLooked) && !g.asked.mayShow(f) {
		f.facts.Known = f.facts.Known.With(rules.FactSigns)
	}
}

// sawFirst notes what the flow's first payload shows whatever is in it.
func (e *Engine) sawFirst(f *flow) {
	f.facts.Size = uint16(min(e.pkt.PayloadLength, 65535))
	if f.transport() == rules.TransportUDP && e.dir == rules.Up {
		f.facts.QUIC = quicVersionOf(e.pkt.Payload)
	}
	f.facts.Known = f.facts.Known.With(rules.FactSize).With(rules.FactQUIC)
}

// read takes the packet at hand for what opens the flow, or goes on with it, and tells whether the opening needs no more reading.
func (e *Engine) read(f *flow, c *rules.Compiled) (over bool) {
	if f.transport() == rules.TransportTCP {
		over = e.readSegment(f, c)
	} else {
		over = e.readDatagram(f, c)
	}
	return over || f.looked >= f.depth
}

// end stops reading the flow's opening: what has not been seen by now is absent, but for signs.
func (e *Engine) end(f *flow) {
	if f.reading != none && !f.is(flagLooked) {
		e.cutShort(f)
	}
	f.flags |= flagOver
	f.flags &^= flagCertificate
	f.facts.Known |= rules.AllFacts &^ (1 << rules.FactSigns)
	e.putReading(f)
}

// cutShort notes that the hello that was being read never ended.
func (e *Engine) cutShort(f *flow) {
	switch r := e.reading(f); {
	case f.transport() == rules.TransportUDP:
		e.sawUnreadable(f, r.protocol)
	case e.beginsHello(r.side[0].ready()), e.beginsHello(r.side[1].ready()):
		e.sawUnreadable(f, rules.ProtocolTLS)
	}
}

func (e *Engine) beginsHello(data []byte) bool {
	return len(data) > 0 && e.tls.ClientHello(data) == inspect.More
}

// pass lets the flow be, as far as the policy does not ask again.
func (e *Engine) pass(f *flow, c *rules.Compiled, g *generation) {
	e.putReading(f)
	if e.readOn(f, c, g) {
		return
	}
	f.flags |= flagPassed
	e.putBelief(f)
}

// readOn goes over to reading what the policy asks about again, if it does.
func (e *Engine) readOn(f *flow, c *rules.Compiled, g *generation) bool {
	if !e.readsOn(f, c, g) {
		return false
	}
	// What came since the opening was read has not been followed.
	f.flags = f.flags&^(flagBaseUp|flagBaseDown) | flagAgain
	return true
}

func sideOf(d rules.Direction) int {
	if d == rules.Down {
		return 1
	}
	return 0
}
