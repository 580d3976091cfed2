package rules

import (
	"cmp"
	"slices"
)

// check refuses what can be read but makes no sense.
func (d *draft) check() error {
	used := map[string]bool{}
	for i := range d.own {
		if err := d.own[i].checkWords(d.Policy); err != nil {
			return err
		}
	}
	for i := range d.base {
		if err := d.checkBase(&d.base[i]); err != nil {
			return err
		}
	}
	for i := range d.Rules {
		for _, c := range []*Condition{&d.Rules[i].When, &d.Rules[i].Unless} {
			for _, words := range c.words() {
				for _, w := range words {
					used[w] = true
				}
			}
		}
	}
	for _, name := range d.listNames() {
		if at, own := d.places[name]; own && !used[name] {
			return at.fail("found the list %q, which no rule names, expected a rule that does", name)
		}
	}
	for i := range d.own {
		if err := d.own[i].check(d.Profile); err != nil {
			return err
		}
		for j := range i {
			if d.own[i].shadowedBy(&d.own[j].Rule) {
				return d.own[i].at.fail("found rule %q, which is never reached: rule %q in line %d takes all of its flows before",
					d.own[i].Name, d.own[j].Name, d.own[j].Line)
			}
		}
	}
	return nil
}

// words gives what the condition has by the fact that it is about; the order is that of classFacts.
func (c *Condition) words() [classedFacts][]string {
	return [classedFacts][]string{c.SNI, c.Host, c.Query, c.To, c.From}
}

var classKeys = [classedFacts]string{"sni", "host", "query", "to", "from"}

func (r *parsedRule) checkWords(p *Policy) error {
	for _, part := range []struct {
		c *Condition
		n node
	}{{&r.When, r.when}, {&r.Unless, r.unless}} {
		for fact, words := range part.c.words() {
			for i, w := range words {
				if _, err := p.wordList(wordKey(Fact(fact), w)); err != nil {
					return part.n.wordAt(classKeys[fact], i).fail("%s", err)
				}
			}
		}
	}
	return nil
}

func wordKey(fact Fact, word string) atomKey {
	return atomKey{word, fact != FactTo && fact != FactFrom}
}

// wordAt gives the place of the value number i of a key that was read before.
func (n node) wordAt(key string, i int) node {
	fields, _ := n.fields("")
	f := find(fields, key)
	if f == nil {
		return n
	}
	if items, err := f.oneOrMore(""); err == nil && i < len(items) {
		return items[i]
	}
	return f.node
}

// checkBase finds lists of this file that a rule of the base cannot use.
func (d *draft) checkBase(r *Rule) error {
	for _, c := range []*Condition{&r.When, &r.Unless} {
		for fact, words := range c.words() {
			for _, w := range words {
				if _, err := d.wordList(wordKey(Fact(fact), w)); err != nil {
					return d.places[w].fail("%s, as rule %q of %s wants", err, r.Name, r.Policy)
				}
			}
		}
	}
	return nil
}

// check looks at one rule alone.
func (r *parsedRule) check(p Profile) error {
	can, why := r.When.possible()
	if why != "" {
		return r.when.fail("found a condition that never holds: %s", why)
	}
	if r.unless.ast != nil {
		if r.When.implies(&r.Unless) {
			return r.unless.fail("found an unless that holds whenever the when holds, expected one that lets some flows be hit")
		}
		if _, why := r.Unless.possible(); why != "" {
			return r.unless.fail("found a condition that never holds: %s", why)
		}
	}
	if p.Originator && r.When.Opened == SideOutside && r.When.readsPayload() {
		return r.when.fail("found a condition that never holds: opened: outside, and the profile's originator: inside keeps payload of such flows unread")
	}
	switch d := r.Do; {
	case d.Mechanism == MechanismReset && can.transports != 1<<TransportTCP:
		return r.do.fail("found reset for flows that may not be TCP, expected transport: tcp in when")
	case d.Mechanism == MechanismRedirect && !can.dns():
		return r.do.fail("found redirect for flows that may not be DNS, expected protocol: dns, or transport: udp and port: 53, in when")
	case d.Mechanism == MechanismLearn && can.transports&(1<<TransportTCP|1<<TransportUDP) == 0:
		return r.do.fail("found learn for flows without ports, expected transport: tcp or udp in when")
	case d.Then != nil && d.Then.Mechanism == MechanismReset && can.transports != 1<<TransportTCP:
		return r.do.fail("found reset for flows that may not be TCP, expected transport: tcp in when")
	}
	return nil
}

// carriers are the transports of each protocol, as far as the inspectors look.
var carriers = [protocolCount]uint8{
	ProtocolNone:     1<<transportCount - 1,
	ProtocolTLS:      1 << TransportTCP,
	ProtocolQUIC:     1 << TransportUDP,
	ProtocolHTTP:     1 << TransportTCP,
	ProtocolDNS:      1 << TransportUDP,
	ProtocolSTUN:     1<<TransportTCP | 1<<TransportUDP,
	ProtocolWhatsApp: 1 << TransportTCP,
}

// flows are the kinds of flow that a condition leaves.
type flows struct {
	protocols, transports uint8
	ports                 []Range
}

func (f flows) dns() bool {
	return f.protocols == 1<<ProtocolDNS ||
		f.transports == 1<<TransportUDP && len(f.ports) == 1 && f.ports[0] == Range{53, 53}
}

// possible gives the flows that the condition leaves, and why there are none.
func (c *Condition) possible() (f flows, why string) {
	f = flows{protocols: 1<<protocolCount - 1, ports: c.Port}
	names := 0
	for _, x := range []struct {
		words     []string
		protocols uint8
	}{
		{c.SNI, 1<<ProtocolTLS | 1<<ProtocolQUIC},
		{c.Host, 1 << ProtocolHTTP},
		{c.Query, 1 << ProtocolDNS},
	} {
		if len(x.words) > 0 {
			f.protocols = x.protocols
			names++
		}
	}
	if names > 1 {
		return f, "a flow has only one of sni, host and query"
	}
	asked := uint8(0)
	for _, p := range c.Protocol {
		asked |= 1 << p
	}
	if len(c.Protocol) > 0 {
		f.protocols &= asked
	}
	if f.protocols == 0 {
		return f, "sni is read in tls and quic, host in http, query in dns"
	}
	for p, transports := range carriers {
		if f.protocols&(1<<p) != 0 {
			f.transports |= transports
		}
	}
	asked = 0
	for _, t := range c.Transport {
		asked |= 1 << t
	}
	if len(c.Transport) > 0 {
		f.transports &= asked
	}
	if f.transports == 0 {
		return f, "the protocol does not run over that transport"
	}
	if len(c.Port) > 0 {
		f.transports &= 1<<TransportTCP | 1<<TransportUDP
	}
	if f.transports == 0 {
		return f, "that transport has no ports"
	}
	return f, ""
}

func (c *Condition) readsPayload() bool {
	return len(c.SNI)+len(c.Host)+len(c.Query)+len(c.Protocol) > 0
}

// shadowedBy tells whether first, which comes before r, hits whatever r could hit, and no later than r.
func (r *Rule) shadowedBy(first *Rule) bool {
	if !r.When.implies(&first.When) {
		return false
	}
	return first.Unless.none() || !r.Unless.none() && first.Unless.implies(&r.Unless)
}

func (c *Condition) none() bool {
	return len(c.SNI)+len(c.Host)+len(c.Query)+len(c.To)+len(c.From)+len(c.Protocol)+len(c.Transport)+len(c.Port) == 0 &&
		c.Opened == SideUnknown
}

// implies tells whether c holds only where other holds, as far as the words show: lists are not compared.
func (c *Condition) implies(other *Condition) bool {
	mine, theirs := c.words(), other.words()
	for i := range mine {
		if !within(mine[i], theirs[i]) {
			return false
		}
	}
	return within(c.Protocol, other.Protocol) && within(c.Transport, other.Transport) &&
		portsWithin(c.Port, other.Port) && (other.Opened == SideUnknown || other.Opened == c.Opened)
}

// within: asking for nothing is the widest.
func within[T comparable](narrow, wide []T) bool {
	if len(wide) == 0 {
		return true
	}
	return len(narrow) > 0 && !slices.ContainsFunc(narrow, func(v T) bool { return !slices.Contains(wide, v) })
}

func portsWithin(narrow, wide []Range) bool {
	if len(wide) == 0 {
		return true
	}
	if len(narrow) == 0 {
		return false
	}
	wide = slices.SortedFunc(slices.Values(wide), func(a, b Range) int { return cmp.Compare(a.Min, b.Min) })
	for _, r := range narrow {
		for _, w := range wide { // eat the range from below
			if w.Min <= r.Min && r.Min <= w.Max {
				r.Min = w.Max + 1
			}
		}
		if r.Min <= r.Max {
			return false
		}
	}
	return true
}
