package dpi

import (
	"dpilab/dpi/inspect"
	"dpilab/dpi/packet"
	"dpilab/rules"
)

// oddities is what is odd about one packet, a bit for each rules.Trick.
type oddities uint16

func odd(t rules.Trick) oddities { return 1 << t }

// unacceptable are those for which no server takes the packet.
const unacceptable = oddities(1<<rules.TrickWindow | 1<<rules.TrickChecksum | 1<<rules.TrickMD5 | 1<<rules.TrickTimestamp)

// doubts is what a policy wants to know of single packets. The zero value wants nothing.
type doubts struct {
	weighs  bool     // flows are followed at all
	look    oddities // what is looked for
	refuses oddities // for which of them a packet is not read
	least   uint8    // packets with a lower TTL are not read
}

func doubtsOf(c *rules.Compiled) (d doubts) {
	fooled, tricks := &c.Profile.Fooled, &c.Signs().Tricks
	for t, believed := range map[rules.Trick]bool{rules.TrickChecksum: fooled.Checksum, rules.TrickWindow: fooled.Sequence,
		rules.TrickMD5: fooled.MD5, rules.TrickTimestamp: fooled.Timestamp} {
		if !believed {
			d.refuses |= odd(t)
		}
	}
	d.look = d.refuses
	for _, t := range packetTricks {
		if tricks[t] != 0 {
			d.look |= odd(t)
		}
	}
	if tricks[rules.TrickFake] != 0 {
		d.look |= unacceptable | odd(rules.TrickTTL)
	}
	d.least = uint8(min(max(fooled.TTL, 0), 255))
	d.weighs = d.look != 0 || d.least > 0
	return d
}

// Of TrickTTL (choice): a packet that is not to arrive starts low, and lower than others of its end.
const (
	shortTTL  = 16
	shorterBy = 4
)

// weigh tells whether the packet at hand is one that no server accepts and that this box does not fall for, and notes the tricks
// that it shows. Only packets that nothing is odd about tell what the ends accept.
func (e *Engine) weigh(f *flow, c *rules.Compiled, g *generation) (doubted bool) {
	p, b, side := &e.pkt, e.beliefs.at(f.belief), sideOf(e.dir)
	look, tcp := g.doubts.look, e.isTCP()
	var is oddities
	if look&odd(rules.TrickChecksum) != 0 && !p.ChecksumOK() {
		is |= odd(rules.TrickChecksum)
	}
	var o packet.Options
	if tcp {
		o = p.Options()
		is |= b.judge(side, p, &o)
	}
	if p.PayloadLength > 0 && side == 0 {
		if b.short(p.TTL) {
			is |= odd(rules.TrickTTL)
		}
		if look&odd(rules.TrickID) != 0 && b.repeats(p.IPID) {
			is |= odd(rules.TrickID)
		}
		e.sawTricks(f, c, is)
	}
	doubted = is&g.doubts.refuses != 0 || p.TTL < g.doubts.least
	if !doubted && is&unacceptable == 0 {
		b.note(side, p, &o, tcp)
	}
	return doubted
}

// sawTricks notes what is odd about a packet with payload from inside.
func (e *Engine) sawTricks(f *flow, c *rules.Compiled, is oddities) {
	if is == 0 {
		return
	}
	for _, t := range packetTricks {
		if is&odd(t) != 0 {
			e.sawTrick(f, c, t)
		}
	}
	if is&(unacceptable|odd(rules.TrickTTL)) != 0 && c.Signs().Tricks[rules.TrickFake] != 0 && opensLikeHello(&e.pkt) {
		e.sawTrick(f, c, rules.TrickFake)
	}
}

// opensLikeHello tells whether a packet begins as a ClientHello or an Initial does. It may be scrambled behind that.
func opensLikeHello(p *packet.Packet) bool {
	const handshake, clientHello = 22, 1
	b := p.Payload
	if p.Protocol == packet.TCP {
		return inspect.IsTLSRecord(b) && b[0] == handshake && len(b) > 5 && b[5] == clientHello
	}
	version, long := inspect.QUICVersion(b)
	initial := byte(0) // RFC 9000, section 17.2.2; RFC 9369, section 3.2
	if version == inspect.QUICv2 {
		initial = 1
	}
	return long && version != 0 && b[0]>>4&3 == initial
}

// unsound tells by the packet at hand alone that no server accepts it, where the box does not fall for that.
func (e *Engine) unsound(p *rules.Profile) bool {
	return int(e.pkt.TTL) < p.Fooled.TTL || !p.Fooled.Checksum && !e.pkt.ChecksumOK()
}

// believed tells whether the packet at hand is read at all. Valid in look, for flows that are not decided.
func (e *Engine) believed() bool { return !e.doubted }

// takeBelief gives a flow what it is weighed by; it goes back as soon as the flow is decided.
func (e *Engine) takeBelief(f *flow) { f.belief = e.beliefs.take() }

func (e *Engine) putBelief(f *flow) {
	if f.belief != none {
		*e.beliefs.at(f.belief) = belief{}
		e.beliefs.put(f.belief)
		f.belief = none
	}
}
