package dpi

import (
	"time"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

// tcpState is how far a TCP connection got, as far as a box must know to forget it in time.
type tcpState uint8

const (
	tcpOpen     tcpState = iota // neither of the others, and all that is not TCP
	tcpOpening                  // only SYNs of one side were seen
	tcpAnswered                 // and the other side's SYN/ACK
	tcpClosed                   // a FIN or RST was seen, and the profile forgets such flows sooner
	tcpRefused                  // met in its middle, and the profile drops that
)

// isTCP tells whether the packet at hand shows a TCP header.
func (e *Engine) isTCP() bool {
	return e.pkt.HasTransport && e.pkt.Protocol == packet.TCP && !e.pkt.Fragment
}

// isBareSYN tells whether the packet at hand asks for a connection.
func (e *Engine) isBareSYN() bool {
	return e.isTCP() && e.pkt.Flags&(packet.SYN|packet.ACK|packet.RST) == packet.SYN
}

// startsOver tells whether the packet opens a new connection on a known 5-tuple. A residual block outlives connections:
// that is what makes it residual. Who opened a half-open flow stays who it was: a SYN that is sent again changes nothing, and of a flow
// that the outside opened, the inside's SYN makes none of its own (role reversal). A SYN from outside clears a flow that was opened
// from inside, and so does a server that answers a SYN with a SYN (IMC22 Fig. 7, P), where the profile says so.
func (e *Engine) startsOver(f *flow) bool {
	if !e.isBareSYN() || f.rule != noRule && (f.do(e).Residual != 0 || f.is(flagBanned)) {
		return false
	}
	profile := &e.compiled(f).Profile
	inside := f.facts.Opened == rules.SideInside
	halfOpen := f.state == tcpOpening || f.state == tcpAnswered
	switch {
	case e.unsound(profile):
		return false
	case e.dir == rules.Down && inside:
		return profile.RemoteSYN
	case e.dir == rules.Down:
		return !halfOpen || f.looked > 0
	case inside:
		return f.state != tcpOpening || f.looked > 0
	}
	return !halfOpen || !profile.RemoteSYN
}

// beginState notes how a TCP flow begins. Where a box sees one direction only, a SYN/ACK begins it, and says that the other end opened
// it (choice).
func (e *Engine) beginState(f *flow, profile *rules.Profile) {
	if !e.isTCP() {
		return
	}
	switch e.pkt.Flags & (packet.SYN | packet.ACK | packet.RST) {
	case packet.SYN:
		f.state = tcpOpening
	case packet.SYN | packet.ACK:
		if profile.Sees != rules.Both {
			f.state = tcpAnswered
			f.facts.Opened = rules.SideInside + rules.SideOutside - f.facts.Opened
		}
	}
}

// meet deals with a TCP flow that is met in its middle: it opens like any other (TDOC 15.2, D), or is let be whatever its addresses,
// or is refused until a SYN comes (O225: TDOC 15.2.6, D). What an earlier flow left behind holds it first.
func (e *Engine) meet(f *flow, profile *rules.Profile) {
	switch {
	case profile.MidStream == rules.MidStreamOpens || f.rule != noRule || f.state != tcpOpen || !e.isTCP():
	case profile.MidStream == rules.MidStreamDrops:
		f.state = tcpRefused
	default:
		f.flags |= flagPassed
	}
}

// follow moves the state of a TCP flow on by the packet at hand.
func (e *Engine) follow(f *flow) {
	flags := e.pkt.Flags
	if f.state == tcpOpen && flags&(packet.FIN|packet.RST) == 0 || e.doubted || !e.isTCP() {
		return
	}
	switch fromOpener := (e.dir == rules.Up) == (f.facts.Opened == rules.SideInside); {
	case f.state == tcpClosed:
	case flags&(packet.FIN|packet.RST) != 0:
		f.state = tcpOpen
		if profile := &e.compiled(f).Profile; profile.Closed > 0 && !e.unsound(profile) {
			f.state = tcpClosed
		}
	case flags&packet.SYN != 0 && fromOpener, flags&(packet.SYN|packet.ACK) == packet.SYN:
	case flags&packet.SYN != 0 && f.state == tcpOpening:
		f.state = tcpAnswered
	case flags&packet.SYN == 0:
		f.state = tcpOpen
	}
}

// idleTCP is how long a TCP flow is remembered without a packet. A half-open one that is let be has the
// whole time: the kernel may hold it, and then the engine does not see it go on.
func (f *flow) idleTCP(p *rules.Profile) time.Duration {
	switch {
	case f.state == tcpClosed:
		return p.Closed
	case f.state == tcpOpening && !f.is(flagPassed):
		return p.SYNSent
	case f.state == tcpAnswered && !f.is(flagPassed):
		return p.SYNReceived
	}
	return p.TCPIdle
}

// sees tells whether packets in this direction come by the box at all.
func (e *Engine) sees(dir rules.Direction) bool {
	s := e.policies[e.current].compiled.Profile.Sees
	if s == rules.Both || s == dir {
		return true
	}
	// Only packets that are seen open flows, and so bring a new policy: this one may be what says that they are.
	e.reload()
	s = e.policies[e.current].compiled.Profile.Sees
	return s == rules.Both || s == dir
}
