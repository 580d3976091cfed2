package dpi

import (
	"dpilab/dpi/inspect"
	"dpilab/dpi/packet"
	"dpilab/rules"
)

// redirect sends a DNS query on UDP to another resolver of the same family (B29b: N4P#657, C). What is not a query passes.
func (e *Engine) redirect(f *flow, do *rules.Do) fate {
	p := &e.pkt
	if e.dir != rules.Up || p.Protocol != packet.UDP || p.Fragment || p.Cut() {
		return fate{}
	}
	if _, _, ok := inspect.DNSQuery(p.Payload, e.dns[:]); !ok {
		return fate{}
	}
	for _, r := range do.Resolver {
		if r.Is4() != (p.Version == 4) {
			continue
		}
		to := packet.Bytes(r)
		e.shared.redirected(answerKey(f.key, to), f.key.outside.bytes(), e.now, e.now+e.compiled(f).Profile.UDPIdle)
		p.SetDst(to)
		e.emit(EventRewrite, f)
		return fate{Action: Rewrite, Data: p.Data}
	}
	return fate{}
}

func answerKey(k key, resolver [16]byte) key {
	k.outside = addressOf(resolver)
	return k
}

// restore gives an answer to a redirected query its asked resolver's address back.
func (e *Engine) restore() (fate, bool) {
	p := &e.pkt
	if e.dir != rules.Down || p.Protocol != packet.UDP || p.Fragment || p.Cut() || !e.shared.hasRedirects() {
		return fate{}, false
	}
	asked, ok := e.shared.asked(keyOf(p, e.dir), e.now)
	if !ok {
		return fate{}, false
	}
	p.SetSrc(asked)
	return fate{Action: Rewrite, Data: p.Data}, true
}
