package dpi

import (
	"dpilab/dpi/inspect"
	"dpilab/rules"
)

// readsOn tells whether a flow that is let be must be read on: because a rule that is asked again (O118, O242: FOCI26, P), or one for a
// host where every request is read (NTC1823/68, C), could still hit it.
func (e *Engine) readsOn(f *flow, c *rules.Compiled, g *generation) bool {
	if f.is(flagUnread) || !g.again && !g.hosts {
		return false
	}
	x := e.facts(f)
	x.Known &^= payloadFacts &^ (1 << rules.FactSize)
	x.Again = true
	if g.again && c.Pending(x) {
		return true
	}
	if !g.hosts || x.Transport != rules.TransportTCP {
		return false
	}
	x.Again, x.Known, x.Protocol, x.Hello = false, rules.AllFacts&^(1<<rules.FactHost), rules.ProtocolHTTP, rules.HelloNone
	x.SNI, x.Query, x.Certificate, x.JA3, x.JA4, x.ECH = 0, 0, 0, 0, 0, false
	return c.Pending(x)
}

// lookAgain reads a further hello or request of a flow that was let be, and asks the policy about it alone.
func (e *Engine) lookAgain(f *flow, c *rules.Compiled, g *generation) {
	if e.pkt.PayloadLength == 0 || e.dir != rules.Up || !e.believed() {
		return
	}
	before := f.facts
	if !e.readAgain(f, c, g) {
		return
	}
	e.putReading(f)
	e.watch(f, c, g)
	f.facts.Known = rules.AllFacts
	hit := -1
	if g.hosts && f.facts.Protocol == rules.ProtocolHTTP {
		hit = c.Match(e.facts(f))
	}
	if hit < 0 && g.again {
		f.facts.Again = true
		hit = c.Match(e.facts(f))
	}
	if hit < 0 {
		f.facts = before
		return
	}
	e.hit(f, int32(hit))
}

// readAgain tells whether the packet at hand completes a hello, or is a request, or shows a hello that cannot be read.
func (e *Engine) readAgain(f *flow, c *rules.Compiled, g *generation) bool {
	if f.transport() == rules.TransportTCP {
		return e.segmentAgain(f, c, g)
	}
	data := e.pkt.Payload
	switch {
	case !g.again:
		return false
	case f.reading != none:
		return e.goOn(f, c, data)
	case e.openDNS(f, c, data):
		return true
	case inspect.IsDTLS(data):
		return e.openDTLS(f, c, data)
	}
	if _, long := inspect.QUICVersion(data); !long || len(c.Profile.QUIC.Versions) == 0 {
		return false
	}
	over, _ := e.openQUIC(f, c, data)
	return over
}

func (e *Engine) segmentAgain(f *flow, c *rules.Compiled, g *generation) bool {
	side, limit := sideOf(e.dir), &c.Profile.Reassembly
	data, segments, state := e.stream(f, side, &c.Profile)
	switch state {
	case streamWaits:
		return false
	case streamReady:
	default:
		e.skip(f, side)
		return false
	}
	r := inspect.No
	if g.again {
		r = e.openHello(f, c, data, segments)
	}
	if r == inspect.More && e.keep(f, side, data, segments, limit) {
		return false
	}
	e.consume(f, side, data)
	if r == inspect.Yes {
		return true
	}
	// A request counts where a segment begins with it, and holds its host.
	host, request := inspect.HTTPRequest(e.pkt.Payload)
	if request == inspect.Yes {
		e.sawRequest(f, c, host)
	}
	return request == inspect.Yes
}
