package dpi

import (
	"dpilab/dpi/inspect"
	"dpilab/rules"
)

// saw notes what the flow is, and ends the waiting for its opening: what has not been seen by now counts as absent. Packets can
// still show signs.
func (e *Engine) saw(f *flow, p rules.Protocol) {
	x := &f.facts
	f.flags |= flagLooked
	x.Protocol, x.Hello, x.ECH = p, rules.HelloNone, false
	x.Name, x.JA3, x.JA4 = 0, 0, 0
	x.Signs &^= e.policies[f.policy].asked.extensions
	x.Known |= rules.AllFacts &^ (1<<rules.FactSigns | 1<<rules.FactCertificate)
	if !f.is(flagCertificate) {
		x.Known = x.Known.With(rules.FactCertificate)
	}
}

// sawHello notes a ClientHello that the box can read; transport is its letter in a JA4.
func (e *Engine) sawHello(f *flow, c *rules.Compiled, p rules.Protocol, h *inspect.Hello, transport byte) {
	e.saw(f, p)
	x := &f.facts
	x.Hello, x.ECH = rules.HelloUnnamed, h.ECH
	if h.HasSNI {
		e.name = h.SNI
		x.Hello, x.Name = rules.HelloNamed, c.Name(h.SNI)
	}
	if c.Reads().Has(rules.FactJA3) {
		x.JA3 = c.Name(h.JA3(e.fingerprint[:0]))
	}
	if c.Reads().Has(rules.FactJA4) || e.policies[f.policy].ja4 {
		e.ja4 = h.JA4(e.fingerprint[:0], transport)
		x.JA4 = c.Name(e.ja4)
	}
	for _, sign := range c.Signs().Extensions {
		if n, ok := h.Extension(sign.ID); ok && (sign.Length < 0 || sign.Length == n) {
			x.Signs |= sign.Bit
		}
	}
}

// sawUnreadable notes a hello of p that the box cannot read.
func (e *Engine) sawUnreadable(f *flow, p rules.Protocol) {
	e.saw(f, p)
	f.facts.Hello = rules.HelloUnreadable
}
