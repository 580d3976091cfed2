package probe

import (
	"context"
	"net/netip"
	"time"

	"dpilab/lab"
	"dpilab/lab/service"
)

// bulk is the size of message from which its rate is worth measuring.
const bulk = 256 << 10

// chat opens a WhatsApp chat and has one message sent back. A large message goes in quiet, and its rate is measured.
func (a *attempt) chat(ctx context.Context) Outcome {
	c, bad := a.reach(ctx, a.Port)
	if bad != nil {
		return *bad
	}
	c.step(StageOpening)
	a.story.add("opens the chat")
	chat, err := service.DialChat(ctx, c)
	if err != nil {
		return c.outcome(err)
	}
	defer chat.Close()
	a.handshake = a.since()
	a.story.add("handshake done")
	if a.Bytes >= bulk {
		c.rest()
		if err := a.quiet(ctx); err != nil {
			return c.outcome(err)
		}
	}
	c.step(StageMessage)
	a.story.add("sends a message of %d bytes", a.Bytes)
	took, err := chat.Echo(ctx, make([]byte, a.Bytes))
	if first := c.first(); !first.IsZero() {
		a.firstByte = first.Sub(a.dialled) - a.waited
	}
	if err != nil {
		return c.outcome(err)
	}
	if a.Bytes < bulk {
		return Outcome{Kind: OK}
	}
	return a.transferred(2*a.Bytes, took) // there, and then back
}

// call sets up a call by STUN and sends media.
func (a *attempt) call(ctx context.Context) Outcome {
	to, bad := a.address(ctx)
	if bad != nil {
		return *bad
	}
	start := time.Now()
	relay := netip.AddrPortFrom(to, lab.PortSTUN)
	a.story.add("calls %s", relay)
	conn, err := a.dialVia(ctx, "udp", relay)
	if err != nil {
		return refusal(err, time.Since(start))
	}
	defer conn.Close()
	r, err := service.Call(ctx, conn, service.CallOptions{For: a.For})
	switch {
	case err != nil:
		return failed(err)
	case !r.STUN && r.Refused:
		return Outcome{Kind: Refused, Stage: StageSTUN, After: time.Since(start)}
	case !r.STUN:
		return Outcome{Kind: NoAnswer, Stage: StageSTUN, After: time.Since(start)}
	}
	o := Outcome{Kind: OK, Media: &Media{Sent: r.Sent, Received: r.Received, Jitter: r.Jitter}}
	if o.Media.Loss() >= lossLimit {
		o.Kind = Loss
	}
	return o
}
