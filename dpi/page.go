package dpi

import (
	"dpilab/dpi/packet"
	"dpilab/rules"
)

// page answers an HTTP request with a redirect to a stub page and resets its server, which never gets the request (B07: the redirect
// is TDOC, D; the reset is our choice). The connection is over with that: whatever else comes is dropped, so that nothing of the
// server's overtakes the page, except that a request that is repeated gets it again (choice).
func (e *Engine) page(f *flow, do *rules.Do) fate {
	p := &e.pkt
	if e.dir == rules.Up && p.HasTransport && p.Protocol == packet.TCP && !p.Fragment && p.PayloadLength > 0 {
		e.body = append(e.body[:0], "HTTP/1.1 302 Found\r\nLocation: "...)
		e.body = append(e.body, do.Page...)
		e.body = append(e.body, "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"...)
		e.sendTCP(f, rules.Down, p.Ack, segmentEnd(p), packet.FIN|packet.PSH|packet.ACK, 0, e.body)
		e.sendTCP(f, rules.Up, p.Seq, p.Ack, packet.RST|packet.ACK, 0, nil)
	}
	return e.dropped(f)
}
