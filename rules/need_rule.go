package rules

import (
	"net/netip"
	"slices"
	"strings"
)

// needs collects what the rules of a policy need.
type needs struct {
	c         *Compiled
	areas     map[string][]netip.Prefix // of the words of rules
	blocks    []Block
	rest      map[int][]netip.Prefix // of the rules that block: what they are for beside that
	interests []Interest
}

func (d *needs) add(x Interest) { d.interests = append(d.interests, x) }

// addRule adds the flows that the rule could hit, and those that it reaches through them.
func (d *needs) addRule(i int) {
	r, w := &d.c.Rules[i], &d.c.tests[i].when
	reach, ok := reachOf(&r.When, w)
	if !ok || !r.Do.any((*Do).acts) {
		return
	}
	to := d.to(i)
	if rest, ok := d.rest[i]; ok {
		to = rest
	}
	if to != nil && len(to) == 0 {
		return
	}
	reach.To = to
	d.add(reach)
	if r.Do.any((*Do).holds) { // the flows that are held are of any kind
		d.add(Interest{To: to})
	}
	if all := resolvers(&r.Do); len(all) > 0 { // whose answers come back changed
		d.add(Interest{Transports: 1 << TransportUDP, Ports: reach.Ports, To: all})
	}
}

// resolvers gives the addresses that the rule sends questions to.
func resolvers(do *Do) []netip.Prefix {
	var s prefixSet
	do.any(func(x *Do) bool {
		for _, a := range x.Resolver {
			s.Insert(netip.PrefixFrom(a, a.BitLen()))
		}
		return false
	})
	return s.sorted()
}

// acts tells whether the mechanism does something. A rule that lets be only keeps flows from others, and matters where those do.
func (d *Do) acts() bool { return d.Mechanism != MechanismPass || d.holds() }

// holds tells whether flows that a rule hits leave something behind for others.
func (d *Do) holds() bool { return d.Hold != HoldFlow }

// to gives the prefixes that the rule is for: those of its when without those of an unless that asks for nothing else. Nil: any. Rules
// with the same words have the same slice.
func (d *needs) to(i int) []netip.Prefix {
	r := &d.c.Rules[i]
	var except []string
	for j := range r.Unless {
		if u := &r.Unless[j]; onlyTo(u) {
			except = append(except, u.To...)
		}
	}
	if len(except) == 0 {
		return d.named(r.When.To)
	}
	k := strings.Join(r.When.To, "\n") + "\nunless\n" + strings.Join(except, "\n")
	if all, ok := d.areas[k]; ok {
		return all
	}
	to := d.named(r.When.To)
	if to == nil {
		to = everywhere
	}
	var s prefixSet
	s.insert(d.named(except))
	d.areas[k] = s.without(to)
	return d.areas[k]
}

// onlyTo tells whether nothing but the outside address decides about the condition.
func onlyTo(c *Condition) bool {
	x := *c
	x.To = nil
	return x.none()
}

// named gives the prefixes that the words mean; nil where there is none.
func (d *needs) named(words []string) []netip.Prefix {
	if len(words) == 0 {
		return nil
	}
	k := strings.Join(words, "\n")
	if all, ok := d.areas[k]; ok {
		return all
	}
	var s prefixSet
	for _, word := range words {
		if l, err := d.c.Policy.wordList(atomKey{word: word}); err == nil {
			s.insert(l.Prefixes)
		}
	}
	d.areas[k] = s.sorted()
	return d.areas[k]
}

// reachOf gives the transports and ports of the flows that the condition can hold for; false where it can for none.
func reachOf(c *Condition, w *condition) (x Interest, ok bool) {
	x.Transports = anyTransport
	narrow := func(asked bool, transports uint32) {
		if asked {
			x.Transports &= transports
		}
	}
	has := w.facts.Has
	narrow(has(FactTransport), w.transports)
	narrow(has(FactProtocol), carriersOf(w.protocols))
	// A flow that is not read counts as one of which nothing was seen: with port and size 0, no hello, no version.
	narrow(has(FactPort) && !inRanges(w.ports, 0) || has(FactSourcePort) && !inRanges(w.sourcePorts, 0), withPorts)
	narrow(has(FactSize) && !inRanges(w.sizes, 0) || has(FactHello) && w.hellos&(1<<HelloNone) == 0 || has(FactECH) && w.ech, withPorts)
	narrow(has(FactSNI) || has(FactJA3) || has(FactJA4) || len(w.signs) > 0, withPorts)
	narrow(len(c.Trick) > 0, tricks(c.Trick).transports)
	narrow(has(FactHost) || has(FactCertificate), 1<<TransportTCP)
	narrow(has(FactQuery) || has(FactQUIC) && w.quic&(1<<QUICNone) == 0, 1<<TransportUDP)
	if has(FactPort) && !inRanges(w.ports, 0) {
		x.Ports = joinRanges(w.ports)
	}
	if has(FactQuery) || has(FactProtocol) && w.protocols == 1<<ProtocolDNS { // DNS is read on its own port alone
		if has(FactPort) && !inRanges(w.ports, 53) {
			return x, false
		}
		x.Ports = []Range{{53, 53}}
	}
	return x, x.Transports != 0
}

func carriersOf(protocols uint32) (transports uint32) {
	for p, carriers := range carriers {
		if protocols&(1<<p) != 0 {
			transports |= carriers
		}
	}
	return transports
}

// joinRanges gives the same numbers in order, without overlaps.
func joinRanges(all []Range) (joined []Range) {
	for _, r := range slices.SortedFunc(slices.Values(all), func(a, b Range) int { return a.Min - b.Min }) {
		if n := len(joined); n > 0 && r.Min <= joined[n-1].Max+1 {
			joined[n-1].Max = max(joined[n-1].Max, r.Max)
			continue
		}
		joined = append(joined, r)
	}
	return joined
}
