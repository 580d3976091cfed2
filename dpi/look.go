package dpi

import (
	"dpilab/dpi/inspect"
	"dpilab/dpi/packet"
	"dpilab/rules"
)

// look reads the packet at hand, if the flow's payload is of interest, and asks the policy.
func (e *Engine) look(f *flow) {
	c := e.compiled(f)
	before := f.facts
	over := f.facts.Known&payloadFacts == payloadFacts && !f.is(flagLooked)
	if !over {
		switch f.facts.Transport {
		case rules.TransportTCP:
			over = e.lookTCP(f, c)
		case rules.TransportUDP:
			over = e.lookUDP(f, c)
		}
	}
	if over {
		f.facts.Known = rules.AllFacts
		e.putReading(f)
	}
	if f.packets == 1 || f.facts != before {
		if hit := c.Match(&f.facts); hit >= 0 {
			e.hit(f, int32(hit))
			return
		}
	}
	if over || f.facts.Known&payloadFacts != payloadFacts && !c.Pending(&f.facts) {
		f.flags |= flagPassed
		e.putReading(f)
	}
}

// lookTCP reads one segment and tells whether the flow needs no more reading.
func (e *Engine) lookTCP(f *flow, c *rules.Compiled) bool {
	p := &e.pkt
	side := sideOf(e.dir)
	if p.Flags&packet.SYN != 0 {
		f.setNext(side, p.Seq+1)
	}
	if len(p.Payload) == 0 {
		return false
	}
	f.looked++
	data, segments, state := e.stream(f, side, &c.Profile.Reassembly)
	switch state {
	case streamWaits:
		return f.looked >= f.depth
	case streamFull:
		// Too long or in too many pieces: what it was is not known, only that it looked like TLS.
		e.sawProtocol(f, rules.ProtocolTLS)
		return f.looked >= f.depth
	}
	switch result := e.readTCP(f, c, data, segments); result {
	case inspect.More:
		if e.keep(f, side, data, segments, &c.Profile.Reassembly) {
			return f.looked >= f.depth
		}
		e.sawProtocol(f, rules.ProtocolTLS)
	case inspect.Yes:
	case inspect.No:
		// IMC21: an unknown first payload of 101 bytes or more ends it; after TLS, CONNECT or SOCKS the box keeps looking.
		first := !f.is(flagLooked)
		f.flags |= flagLooked
		f.facts.Known = rules.AllFacts
		e.consume(f, side, data)
		if first && len(data) >= c.Profile.Unknown && !keepsLooking(data) {
			return true
		}
		return f.looked >= f.depth
	}
	e.consume(f, side, data)
	// Only the first request of a connection is read (HTTP24, P); a chat says what it is once.
	return f.looked >= f.depth || f.facts.Protocol == rules.ProtocolHTTP || f.facts.Protocol == rules.ProtocolWhatsApp
}

// readTCP runs the inspectors over the start of a stream and notes what they find.
func (e *Engine) readTCP(f *flow, c *rules.Compiled, data []byte, segments int) inspect.Result {
	switch e.tls.ClientHello(data) {
	case inspect.More:
		return inspect.More
	case inspect.Yes:
		e.sawProtocol(f, rules.ProtocolTLS)
		if h := &e.tls.Hello; h.HasSNI && sees(&c.Profile.Reassembly, segments, h.Records) {
			e.name = h.SNI
			f.facts.SNI = c.Name(h.SNI)
		}
		return inspect.Yes
	}
	if r := inspect.WhatsApp(data); r != inspect.No {
		if r == inspect.Yes {
			e.sawProtocol(f, rules.ProtocolWhatsApp)
		}
		return r
	}
	if f.is(flagLooked) || segments > 1 {
		return inspect.No
	}
	host, r := inspect.HTTPRequest(data)
	if r == inspect.No || keepsLooking(data) {
		return inspect.No
	}
	// Only the first segment is read (HTTP24, P): a Host that is not in it is none.
	e.sawProtocol(f, rules.ProtocolHTTP)
	if r == inspect.Yes {
		e.name = host
		f.facts.Host = c.Name(host)
	}
	return inspect.Yes
}

// sees tells whether a profile reads a hello that came in so many segments and records.
func sees(r *rules.Reassembly, segments, records int) bool {
	return records <= 1 || r.Records && (segments <= 1 || r.Both)
}

// sawProtocol ends the waiting for payload facts: what has not been seen by now counts as absent.
func (e *Engine) sawProtocol(f *flow, p rules.Protocol) {
	f.flags |= flagLooked
	f.facts.Protocol = p
	f.facts.Known = rules.AllFacts
	f.facts.SNI, f.facts.Host, f.facts.Query = 0, 0, 0
}

func keepsLooking(data []byte) bool {
	return inspect.IsTLSRecord(data) || inspect.IsHTTPProxy(data) || inspect.IsSOCKS(data)
}

// lookUDP reads one datagram and tells whether the flow needs no more reading. A first datagram that is not recognised
// ends it (NTC1823/11, C).
func (e *Engine) lookUDP(f *flow, c *rules.Compiled) bool {
	data := e.pkt.Payload
	if len(data) == 0 || e.dir != rules.Up {
		return false
	}
	f.looked++
	if f.reading == nil {
		if inspect.STUN(data) {
			e.sawProtocol(f, rules.ProtocolSTUN)
			return true
		}
		if f.key.outsidePort == 53 {
			if name, _, ok := inspect.DNSQuery(data, e.dns[:]); ok {
				e.sawProtocol(f, rules.ProtocolDNS)
				e.name, f.facts.Query = name, c.Name(name)
				return true
			}
		}
	}
	switch r := e.reading(f); r.quic.Datagram(data) {
	case inspect.Yes:
		e.sawProtocol(f, rules.ProtocolQUIC)
		if h := &r.quic.Hello; h.HasSNI {
			e.name = h.SNI
			f.facts.SNI = c.Name(h.SNI)
		}
		return true
	case inspect.More:
		return f.looked >= f.depth
	}
	return true
}

func sideOf(d rules.Direction) int {
	if d == rules.Down {
		return 1
	}
	return 0
}
