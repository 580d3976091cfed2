package dpi

import (
	"encoding/binary"

	"dpilab/dpi/inspect"
	"dpilab/rules"
)

// readSegment reads a segment with payload and tells whether the flow's opening needs no more reading.
func (e *Engine) readSegment(f *flow, c *rules.Compiled) (over bool) {
	side, limit := sideOf(e.dir), &c.Profile.Reassembly
	data, segments, state := e.stream(f, side, &c.Profile)
	switch state {
	case streamWaits:
		return false
	case streamGap:
		return true
	case streamFull:
		if !f.is(flagLooked) {
			e.cutShort(f)
		}
		if side == 1 {
			e.noCertificate(f)
		}
		e.skip(f, side)
		return false
	}
	if side == 1 && f.is(flagCertificate) {
		e.readCertificate(f, c, data, segments)
		return false
	}
	result, over := e.open(f, c, data, segments)
	if result == inspect.More {
		if e.keep(f, side, data, segments, limit) {
			return false
		}
		if e.beginsHello(data) {
			e.sawUnreadable(f, rules.ProtocolTLS)
			e.awaitCertificate(f, c)
		}
	}
	e.consume(f, side, data)
	return over
}

// open runs the inspectors over the start of an unread stream and notes what they find; over tells that nothing behind it is read.
func (e *Engine) open(f *flow, c *rules.Compiled, data []byte, segments int) (r inspect.Result, over bool) {
	first := !f.is(flagLooked)
	if r := e.openHello(f, c, data, segments); r != inspect.No {
		return r, r == inspect.Yes && c.Profile.FirstHello
	}
	if r := inspect.WhatsApp(data); r == inspect.More || r == inspect.Yes {
		if r == inspect.Yes {
			e.saw(f, rules.ProtocolWhatsApp)
		}
		return r, r == inspect.Yes // a chat says what it is once
	}
	if !first || f.reading != none && !e.reading(f).side[1-sideOf(e.dir)].empty() {
		return inspect.No, false // the other side's hello is still coming
	}
	return inspect.No, e.openOther(f, c, data, segments)
}

// openHello reads a ClientHello, of either side (IMC21, P: one that the server sends counts).
func (e *Engine) openHello(f *flow, c *rules.Compiled, data []byte, segments int) inspect.Result {
	first, limit := !f.is(flagLooked), &c.Profile.Reassembly
	r := e.tls.ClientHello(data)
	if r == inspect.No {
		return r
	}
	h := &e.tls.Hello
	switch {
	case r == inspect.More:
	case e.seesThrough(f, limit, data, segments, h.Records):
		e.sawHello(f, c, rules.ProtocolTLS, h, 't')
	default:
		e.sawUnreadable(f, rules.ProtocolTLS)
	}
	if h.Records > 1 {
		e.sawTrick(f, c, rules.TrickRecords)
	}
	if first && (r == inspect.More || segments > 1) {
		e.sawTrick(f, c, rules.TrickSplit)
	}
	if r == inspect.Yes {
		e.awaitCertificate(f, c)
	}
	return r
}

// seesThrough tells whether a profile reads the hello at the start of data, of so many records. A box that joins segments and records,
// but not both at once, joins the records that came each in one segment; one record that is cut across segments is too
// much (FOCI25-data, P: records of 795 and 1,036 bytes in a segment each were blocked, with segments cut elsewhere they passed).
func (e *Engine) seesThrough(f *flow, r *rules.Reassembly, data []byte, segments, records int) bool {
	if records <= 1 || r.Records && (segments <= 1 || r.Both) {
		return true
	}
	return r.Records && !cutsARecord(e.reading(f).side[sideOf(e.dir)].cuts, data)
}

// cutsARecord tells whether a segment begins within one of the TLS records that data is made of.
func cutsARecord(cuts []int, data []byte) bool {
	const header = 5
	for at := 0; at+header <= len(data); {
		end := at + header + int(binary.BigEndian.Uint16(data[at+3:]))
		for _, cut := range cuts {
			if at < cut && cut < end {
				return true
			}
		}
		at = end
	}
	return false
}
