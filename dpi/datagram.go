package dpi

import (
	"dpilab/dpi/inspect"
	"dpilab/rules"
)

// readDatagram reads a datagram with payload and tells whether the flow's opening needs no more reading. A first one that is not
// recognised ends it (NTC1823/11, C).
func (e *Engine) readDatagram(f *flow, c *rules.Compiled) (over bool) {
	data := e.pkt.Payload
	if r := e.reading(f); r != nil {
		// A hello is incomplete: its other parts come from the same side.
		return e.dir == r.dir && e.goOn(f, c, data)
	}
	if inspect.STUN(data) {
		e.saw(f, rules.ProtocolSTUN)
		return true
	}
	if e.dir == rules.Up {
		if e.openDNS(f, c, data) {
			return true
		}
		// Only what goes up is filtered (NTC1823/11, C).
		if _, long := inspect.QUICVersion(data); long && len(c.Profile.QUIC.Versions) > 0 {
			if over, ok := e.openQUIC(f, c, data); ok {
				return over
			}
		}
	}
	looks := inspect.UDPProtocol(data)
	if looks == inspect.LooksDTLS {
		return e.openDTLS(f, c, data)
	}
	e.saw(f, protocolOf[looks])
	return true
}

func (e *Engine) openDNS(f *flow, c *rules.Compiled, data []byte) bool {
	if f.key.outsidePort != 53 {
		return false
	}
	name, _, ok := inspect.DNSQuery(data, e.dns[:])
	if !ok {
		return false
	}
	e.saw(f, rules.ProtocolDNS)
	e.name, f.facts.Name = name, c.Name(name)
	return true
}

// openQUIC reads a flow's first Initial; ok is false for what is none.
func (e *Engine) openQUIC(f *flow, c *rules.Compiled, data []byte) (over, ok bool) {
	r := e.takeReading(f)
	r.protocol, r.dir, r.datagrams = rules.ProtocolQUIC, e.dir, 0
	r.quic.Options = e.policies[f.policy].quic
	switch over, result := e.readQUIC(f, c, data); result {
	case inspect.No:
		if !r.quic.Unreadable {
			e.putReading(f)
			return false, false
		}
		fallthrough
	default:
		return over, true
	}
}

// goOn reads a further datagram of a hello that came in several.
func (e *Engine) goOn(f *flow, c *rules.Compiled, data []byte) (over bool) {
	if e.reading(f).protocol == rules.ProtocolDTLS {
		return e.readDTLS(f, c, data)
	}
	over, _ = e.readQUIC(f, c, data)
	return over
}

// readQUIC takes one datagram of Initials. One without (0-RTT alone, say) does not end a hello that has begun; one that cannot be
// read does, and so does the profile's bound.
func (e *Engine) readQUIC(f *flow, c *rules.Compiled, data []byte) (over bool, result inspect.Result) {
	r := e.reading(f)
	r.datagrams++
	result = r.quic.Datagram(data)
	switch {
	case result == inspect.Yes:
		e.sawHello(f, c, rules.ProtocolQUIC, &r.quic.Hello, 'q')
		return true, result
	case result == inspect.No && r.quic.Unreadable, r.datagrams >= c.Profile.QUIC.Datagrams && result == inspect.More:
		e.sawUnreadable(f, rules.ProtocolQUIC)
		return true, result
	}
	return false, result
}

func (e *Engine) openDTLS(f *flow, c *rules.Compiled, data []byte) (over bool) {
	r := e.takeReading(f)
	if r.dtls == nil {
		r.dtls = new(inspect.DTLS)
	}
	r.protocol, r.dir, r.datagrams = rules.ProtocolDTLS, e.dir, 0
	return e.readDTLS(f, c, data)
}

func (e *Engine) readDTLS(f *flow, c *rules.Compiled, data []byte) (over bool) {
	r := e.reading(f)
	switch r.dtls.Datagram(data) {
	case inspect.Yes:
		e.sawHello(f, c, rules.ProtocolDTLS, &r.dtls.Hello, 'd')
		return true
	case inspect.More:
		return false
	}
	e.sawUnreadable(f, rules.ProtocolDTLS)
	return true
}

// quicVersionOf reads the version in a long header.
func quicVersionOf(data []byte) rules.QUICVersion {
	version, long := inspect.QUICVersion(data)
	switch {
	case !long:
		return rules.QUICNone
	case version == inspect.QUICv1:
		return rules.QUICv1
	case version == inspect.QUICv2:
		return rules.QUICv2
	case version>>8 == 0xff0000:
		return rules.QUICDraft
	}
	return rules.QUICOther
}

// quicOptions says in inspect's words how the profile reads Initials.
func quicOptions(q *rules.QUICReading) inspect.QUICOptions {
	o := inspect.QUICOptions{Lone: !q.Assemble, Bare: !q.Padding}
	for _, v := range q.Versions {
		switch v {
		case rules.QUICv1:
			o.Versions |= inspect.ReadQUICv1
		case rules.QUICv2:
			o.Versions |= inspect.ReadQUICv2
		case rules.QUICDraft:
			o.Versions |= inspect.ReadQUICDraft29
		}
	}
	return o
}
