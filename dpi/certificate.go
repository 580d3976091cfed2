package dpi

import (
	"dpilab/dpi/inspect"
	"dpilab/rules"
)

// awaitCertificate makes the server's flight of interest after a hello, where a rule asks for the certificate (B36: ZAP-doc, C).
func (e *Engine) awaitCertificate(f *flow, c *rules.Compiled) {
	if !c.Reads().Has(rules.FactCertificate) || f.payloads[1] > 0 || f.is(flagAgain) {
		return
	}
	f.flags |= flagCertificate
	f.facts.Known &^= 1 << rules.FactCertificate
}

// readCertificate reads the server's flight as far as it came in so many segments. How much of it is put together is for the
// profile's TCP reassembly to say: a flight in small pieces passes (O214: ZAP-doc, C), and without it one segment is read.
//
// A certificate has many names and a flow's facts have room for one: the first name that makes a rule hit counts, or else the last.
// A name in unless is therefore sure to except a flow only if it is the certificate's only one (choice).
func (e *Engine) readCertificate(f *flow, c *rules.Compiled, data []byte, segments int) {
	r := e.certificate.Flight(data)
	if r == inspect.More && e.keep(f, 1, data, segments, &c.Profile.Reassembly) {
		return
	}
	e.consume(f, 1, data)
	e.noCertificate(f)
	if r != inspect.Yes {
		return
	}
	e.certificate.Names(func(name []byte) bool {
		f.facts.Certificate = c.Name(name)
		if c.Match(e.facts(f)) < 0 {
			return true
		}
		e.name = name
		return false
	})
}

// noCertificate ends the waiting for one.
func (e *Engine) noCertificate(f *flow) {
	f.flags &^= flagCertificate
	f.facts.Known = f.facts.Known.With(rules.FactCertificate)
}
