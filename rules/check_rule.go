package rules

import "dpilab/internal/strictyaml"

// check looks at one rule alone.
func (r *parsedRule) check(p *Profile) error {
	can, why := r.When.possible()
	if why != "" {
		return r.when.Fail("found a condition that never holds: %s", why)
	}
	if why := r.When.unseen(p); why != "" {
		return r.when.Fail("found a condition that never holds: %s", why)
	}
	if err := r.checkUnless(can); err != nil {
		return err
	}
	if r.Again && !r.When.readsHello() {
		return r.again.Fail("found again, expected a rule that asks for what a later hello or request shows: sni, host, ja3, ja4, hello, ech or extension")
	}
	if r.Chance.Of == ChancePort && can.transports&withPorts == 0 {
		return r.chance.Fail("found a chance of port for flows without ports, expected transport: tcp or udp in when")
	}
	if err := checkFor(r.do, &r.Do, can, p); err != nil {
		return err
	}
	if r.Do.Then != nil {
		return checkFor(r.do, r.Do.Then, can, p)
	}
	return nil
}

// unseen says why a box of this profile sees nothing that the condition asks for.
func (c *Condition) unseen(p *Profile) string {
	switch {
	case p.Originator && c.Opened == SideOutside && c.readsPayload():
		return "opened: outside, and the profile's originator: inside keeps payload of such flows unread"
	case p.Sees == Up && len(c.Certificate) > 0:
		return "certificate, and the profile's sees: up keeps what servers send unseen"
	case p.Sees == Up && onlyTrick(c.Trick, TrickEncrypted):
		return "trick: encrypted, and the profile's sees: up keeps what servers send unseen"
	case len(p.QUIC.Versions) == 0 && (len(c.SNI)+len(c.JA3)+len(c.JA4)+len(c.Extension) > 0) && onlyQUIC(c):
		return "a hello of quic, and the profile's quic: {versions: none} keeps it unread"
	}
	return ""
}

func onlyTrick(all []Trick, one Trick) bool { return len(all) == 1 && all[0] == one }

func onlyQUIC(c *Condition) bool {
	f, _ := c.possible()
	return f.protocols == 1<<ProtocolQUIC
}

func (r *parsedRule) checkUnless(can flows) error {
	for i := range r.Unless {
		u, at := &r.Unless[i], r.unless[i]
		if r.When.implies(u) {
			return at.Fail("found an unless that holds whenever the when holds, expected one that lets some flows be hit")
		}
		both, why := u.possible()
		if why != "" {
			return at.Fail("found a condition that never holds: %s", why)
		}
		if both.narrow(can.protocols, can.transports); both.protocols == 0 || both.transports == 0 {
			return at.Fail("found an unless that never holds together with the when, expected one that excepts some flows")
		}
		for j := range r.Unless {
			if j != i && u.implies(&r.Unless[j]) && (j < i || !r.Unless[j].implies(u)) {
				return at.Fail("found an unless that excepts nothing more: the one in line %d has all of its flows", r.unless[j].Line())
			}
		}
	}
	return nil
}

// checkFor refuses a mechanism that cannot work on the flows of its rule, or in a box that does not see what it works on.
func checkFor(n strictyaml.Node, d *Do, can flows, p *Profile) error {
	switch {
	case d.Mechanism == MechanismReset && can.transports != 1<<TransportTCP:
		return n.Fail("found reset for flows that may not be TCP, expected transport: tcp in when")
	case d.Mechanism == MechanismPage && can.protocols != 1<<ProtocolHTTP:
		return n.Fail("found page for flows that may not be HTTP, expected host, or protocol: http, in when")
	case (d.Mechanism == MechanismRedirect || d.Mechanism == MechanismAnswer) && !can.dns():
		return n.Fail("found %s for flows that may not be DNS, expected protocol: dns, or transport: udp and port: 53, in when", d.Mechanism)
	case d.Mechanism == MechanismLearn && can.transports&withPorts == 0:
		return n.Fail("found learn for flows without ports, expected transport: tcp or udp in when")
	case d.Keys&(LimitSNI|LimitJA4) != 0 && can.protocols&withHello == 0:
		return n.Fail("found limit per sni or ja4 for flows without a hello, expected flows of tls, quic or dtls in when")
	case (d.From != StartPacket || d.After.Unit != UnitPackets) && can.transports&withPorts == 0:
		return n.Fail("found from, or a count of payload, for flows whose payload is not read, expected transport: tcp or udp in when")
	}
	return checkSeen(n, d, p)
}

// checkSeen refuses what a box that sees one direction cannot do.
func checkSeen(n strictyaml.Node, d *Do, p *Profile) error {
	if p.Sees == Both {
		return nil
	}
	unseen := Up + Down - p.Sees
	switch {
	case d.Mechanism == MechanismReset && !d.Inject && p.Sees == Up:
		return n.Fail("found reset: server packet, and the profile's sees: up keeps those unseen, expected reset: client or server")
	case d.Mechanism == MechanismRedirect:
		return n.Fail("found redirect, and the profile's sees: %s keeps one way unseen, expected sees: both", p.Sees)
	case (d.Mechanism == MechanismAnswer || d.Mechanism == MechanismPage) && p.Sees == Down:
		return n.Fail("found %s, and the profile's sees: down keeps what clients ask for unseen", d.Mechanism)
	case !d.Inject && d.Direction == unseen:
		return n.Fail("found %s: %s, and the profile's sees: %s keeps those packets unseen", d.Mechanism, d.Direction, p.Sees)
	case d.After.Direction == unseen || d.Or.Max > 0 && d.Or.Direction == unseen:
		return n.Fail("found a count of packets that go %s, and the profile's sees: %s keeps those unseen", d.After.Direction, p.Sees)
	}
	return nil
}
