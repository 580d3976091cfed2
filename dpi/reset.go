package dpi

import (
	"dpilab/dpi/packet"
	"dpilab/rules"
)

// reset is SNI-I: whatever the server sends comes out as RST/ACK without payload (IMC22, P2). The server is the end that did not open
// the flow: of one that a blocked address opened from outside, the inside's SYN/ACK is what comes out so (B08, MEM). What is not TCP
// has no RST and is dropped.
func (e *Engine) reset(f *flow, do *rules.Do) fate {
	if do.Inject {
		return e.inject(f, do)
	}
	if server, _ := f.oneWay(do); e.dir != server {
		return fate{}
	}
	data := e.pkt.ToRSTACK()
	if data == nil {
		return e.dropped(f)
	}
	e.emit(EventRewrite, f)
	return fate{Action: Rewrite, Data: data}
}

// inject is the reset that the training describes for other links: an RST to both ends, or to one (B01, B07: TDOC, D). The packet that
// decided passes, and so does every later one; each of them that is no RST brings the resets again (choice: the training does not say;
// an end that ignores a reset gets the next). Both RSTs are what a receiver expects next once the packet has passed, so that they
// do not depend on a challenge (RFC 5961, section 3.2). What is not TCP is dropped.
func (e *Engine) inject(f *flow, do *rules.Do) fate {
	p := &e.pkt
	if !p.HasTransport || p.Protocol != packet.TCP || p.Fragment {
		return e.dropped(f)
	}
	if p.Flags&packet.RST != 0 {
		return fate{}
	}
	for _, dir := range [2]rules.Direction{rules.Down, rules.Up} {
		if do.Direction == rules.Both || do.Direction == dir {
			e.sendReset(f, dir, do.TTL)
		}
	}
	return fate{}
}

// sendReset sends an RST in one direction: with the packet at hand, after it, or against it, in answer to it (RFC 9293, section 3.5.2).
func (e *Engine) sendReset(f *flow, dir rules.Direction, ttl uint8) {
	p := &e.pkt
	next := segmentEnd(p)
	switch {
	case dir != e.dir && p.Flags&packet.ACK == 0:
		e.sendTCP(f, dir, 0, next, packet.RST|packet.ACK, ttl, nil)
	case dir != e.dir:
		e.sendTCP(f, dir, p.Ack, next, packet.RST|packet.ACK, ttl, nil)
	case p.Flags&packet.ACK == 0:
		e.sendTCP(f, dir, next, 0, packet.RST, ttl, nil)
	default:
		e.sendTCP(f, dir, next, p.Ack, packet.RST|packet.ACK, ttl, nil)
	}
}

// segmentEnd is the sequence number behind a segment.
func segmentEnd(p *packet.Packet) uint32 {
	next := p.Seq + uint32(p.PayloadLength)
	if p.Flags&packet.SYN != 0 {
		next++
	}
	if p.Flags&packet.FIN != 0 {
		next++
	}
	return next
}
