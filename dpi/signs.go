package dpi

import (
	"bytes"

	"dpilab/rules"
)

// packetTricks are those that single packets show.
var packetTricks = [...]rules.Trick{rules.TrickID, rules.TrickWindow, rules.TrickChecksum, rules.TrickMD5, rules.TrickTimestamp,
	rules.TrickTTL, rules.TrickFake}

// askedSigns is what the rules of a policy ask for, by when it can come. The zero value asks for nothing.
type askedSigns struct {
	extensions uint64 // with a hello
	late       uint64 // with any packet, to the depth of the profile
	encrypted  uint64 // after some packets of a flow that opens nothing known
}

func askedOf(s *rules.Signs) (a askedSigns) {
	for i := range s.Extensions {
		a.extensions |= s.Extensions[i].Bit
	}
	for i := range s.Payloads {
		a.late |= s.Payloads[i].Bit
	}
	for _, t := range packetTricks {
		a.late |= s.Tricks[t]
	}
	a.encrypted = s.Tricks[rules.TrickEncrypted]
	return a
}

// mayShow tells whether packets of a flow whose opening was read can still show a sign that a rule asks for.
func (a *askedSigns) mayShow(f *flow) bool {
	if a.late&^f.facts.Signs != 0 && f.looked < f.depth {
		return true
	}
	return a.encrypted&^f.facts.Signs != 0 && f.facts.Protocol == rules.ProtocolNone && f.looked < rules.EncryptedPackets
}

// watch looks for signs in the packet at hand.
func (e *Engine) watch(f *flow, c *rules.Compiled, g *generation) {
	if f.looked <= f.depth {
		for i := range c.Signs().Payloads {
			if s := &c.Signs().Payloads[i]; f.facts.Signs&s.Bit == 0 && holds(s.Stretches, e.pkt.Payload) {
				f.facts.Signs |= s.Bit
			}
		}
	}
	// N4P#363 (C): long packets from the client, and more packets from the server than from the client.
	if g.asked.encrypted != 0 && f.facts.Known.Has(rules.FactProtocol) && f.facts.Protocol == rules.ProtocolNone &&
		int(f.long) >= c.Profile.Encrypted.Packets && f.payloads[1] > f.payloads[0] {
		f.facts.Signs |= g.asked.encrypted
	}
}

func holds(all []rules.Stretch, payload []byte) bool {
	for i := range all {
		s := &all[i]
		if s.At < 0 || s.At > len(payload) || !bytes.HasPrefix(payload[s.At:], s.Bytes) {
			return false
		}
	}
	return true
}

func (e *Engine) sawTrick(f *flow, c *rules.Compiled, t rules.Trick) {
	f.facts.Signs |= c.Signs().Tricks[t]
}

// count counts a packet with n bytes of payload.
func (f *flow) count(side, n, long int) {
	up := func(x *uint8) {
		if *x < 255 {
			*x++
		}
	}
	up(&f.looked)
	up(&f.payloads[side])
	if side == 0 && n >= long {
		up(&f.long)
	}
}
