package dpi

import (
	"dpilab/dpi/inspect"
	"dpilab/dpi/packet"
	"dpilab/rules"
)

// redirect sends a DNS query on UDP to another resolver of the same family (B29b: N4P#657, C). What is not a query passes.
func (e *Engine) redirect(f *flow, do *rules.Do) Verdict {
	p := &e.pkt
	if e.dir != rules.Up || p.Protocol != packet.UDP || p.Fragment || p.Cut() {
		return Verdict{}
	}
	if _, _, ok := inspect.DNSQuery(p.Payload, e.dns[:]); !ok {
		return Verdict{}
	}
	for _, r := range do.Resolver {
		if r.Is4() != (p.Version == 4) {
			continue
		}
		to := packet.Bytes(r)
		e.shared.redirected(answerKey(f.key, to), f.key.outside, e.now, e.now+e.compiled(f).Profile.UDPIdle)
		p.SetDst(to)
		e.emit(EventRewrite, f)
		return Verdict{Action: Rewrite, Data: p.Data}
	}
	return Verdict{}
}

func answerKey(k key, resolver [16]byte) key {
	k.outside = resolver
	return k
}

// restore gives an answer to a redirected query its asked resolver's address back.
func (e *Engine) restore() (Verdict, bool) {
	p := &e.pkt
	if e.dir != rules.Down || p.Protocol != packet.UDP || p.Fragment || p.Cut() || !e.shared.hasRedirects() {
		return Verdict{}, false
	}
	asked, ok := e.shared.asked(keyOf(p, e.dir), e.now)
	if !ok {
		return Verdict{}, false
	}
	p.SetSrc(asked)
	return Verdict{Action: Rewrite, Data: p.Data}, true
}
