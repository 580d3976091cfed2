package dpi

import (
	"encoding/binary"

	"dpilab/dpi/inspect"
	"dpilab/dpi/packet"
	"dpilab/rules"
)

const (
	dnsHeader   = 12
	dnsA        = 1
	dnsAAAA     = 28
	dnsNXDomain = 3
	dnsRefused  = 5

	// answerTTL is how many seconds a forged record lives (choice).
	answerTTL = 60
)

// answer drops a DNS query over UDP and answers it as the asked resolver (B29a, B39). Each query of the flow is asked for again, as one
// socket may ask for several names; one that the rule is not for passes, as does all that is no query.
func (e *Engine) answer(f *flow, do *rules.Do) fate {
	p := &e.pkt
	if e.dir != rules.Up || !p.HasTransport || p.Protocol != packet.UDP || p.Fragment {
		return fate{}
	}
	name, qtype, ok := inspect.DNSQuery(p.Payload, e.dns[:])
	if !ok || !e.stillHits(f, name) {
		return fate{}
	}
	if !e.forge(p.Payload, qtype, do) {
		return fate{}
	}
	e.sendUDP(f, rules.Down, e.body)
	return e.dropped(f)
}

// stillHits tells whether the flow's rule would hit with this name asked for.
func (e *Engine) stillHits(f *flow, name []byte) bool {
	if f.is(flagLearnt | flagHeld) {
		return true
	}
	c, facts := e.compiled(f), e.facts(f)
	facts.Query = c.Name(name)
	return c.Match(facts) == int(f.rule)
}

// forge builds the answer in e.body: the query's header and question, and a record where there is an address of the type that was
// asked for. There is no authority section and no EDNS (choice).
func (e *Engine) forge(query []byte, qtype uint16, do *rules.Do) bool {
	end := questionEnd(query)
	if end == 0 {
		return false
	}
	rcode := byte(0)
	switch do.Answer {
	case rules.AnswerNXDomain:
		rcode = dnsNXDomain
	case rules.AnswerRefused:
		rcode = dnsRefused
	}
	b := append(e.body[:0], query[:end]...)
	b[2] = 0x80 | query[2]&0x01 // an answer; recursion desired as asked
	b[3] = 0x80 | rcode         // recursion available
	clear(b[6:dnsHeader])
	if do.Answer == rules.AnswerAddress {
		for _, a := range do.Addresses {
			switch {
			case a.Is4() && qtype == dnsA:
				v4 := a.As4()
				b = appendRecord(b, qtype, v4[:])
			case a.Is6() && qtype == dnsAAAA:
				v6 := a.As16()
				b = appendRecord(b, qtype, v6[:])
			}
		}
	}
	e.body = b
	return true
}

// appendRecord appends an address of the name in the question (RFC 1035, section 4.1.4) and counts it.
func appendRecord(b []byte, qtype uint16, address []byte) []byte {
	b[7]++
	b = append(b, 0xc0, dnsHeader)
	b = binary.BigEndian.AppendUint16(b, qtype)
	b = append(b, 0, 1) // class IN
	b = binary.BigEndian.AppendUint32(b, answerTTL)
	b = binary.BigEndian.AppendUint16(b, uint16(len(address)))
	return append(b, address...)
}

// questionEnd is where the only question of a query that DNSQuery took ends; 0 where it does not.
func questionEnd(b []byte) int {
	at := dnsHeader
	for at < len(b) && b[at] != 0 {
		at += 1 + int(b[at])
	}
	if at+5 > len(b) {
		return 0
	}
	return at + 5
}
