package rules

import (
	"net/netip"
	"slices"
)

// needs collects what the rules of a policy need.
type needs struct {
	*regions
	blocks     []block
	rest       map[int]*region // of the rules that block: what they are for beside that
	interests  []interest
	everything bool
}

// interest is an Interest that is not written out.
type interest struct {
	transports uint32
	ports      []Range
	to         *region
}

func (d *needs) add(x interest) { d.interests = append(d.interests, x) }

// addRule adds the flows that the rule could hit, and those that it reaches through them.
func (d *needs) addRule(i int) {
	r, t := &d.c.Rules[i], &d.c.tests[i]
	reach, ok := reachOf(&r.When, &t.when)
	if !ok || !r.Do.any((*Do).acts) {
		return
	}
	if reach.to, ok = d.rest[i]; !ok {
		reach.to = d.ofRule(t)
	}
	if reach.to.empty() {
		return
	}
	d.add(reach)
	if r.Do.any((*Do).holds) { // the flows that are held are of any kind
		d.add(interest{transports: anyTransport, to: reach.to})
	}
	if all := resolvers(&r.Do); len(all) > 0 { // whose answers come back changed
		d.add(interest{1 << TransportUDP, reach.ports, d.of(nil, all)})
	}
}

// resolvers gives the addresses that the rule sends questions to.
func resolvers(do *Do) (all []netip.Addr) {
	do.any(func(x *Do) bool {
		all = append(all, x.Resolver...)
		return false
	})
	return all
}

// acts tells whether the mechanism does something. A rule that lets be only keeps flows from others, and matters where those do.
func (d *Do) acts() bool { return d.Mechanism != MechanismPass || d.holds() }

// holds tells whether flows that a rule hits leave something behind for others.
func (d *Do) holds() bool { return d.Hold != HoldFlow }

// reachOf gives the transports and ports of the flows that the condition can hold for; false where it can for none.
func reachOf(c *Condition, w *condition) (x interest, ok bool) {
	x.transports = anyTransport
	narrow := func(asked bool, transports uint32) {
		if asked {
			x.transports &= transports
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
		x.ports = JoinRanges(w.ports)
	}
	if has(FactQuery) || has(FactProtocol) && w.protocols == 1<<ProtocolDNS { // DNS is read on its own port alone
		if has(FactPort) && !inRanges(w.ports, 53) {
			return x, false
		}
		x.ports = []Range{{53, 53}}
	}
	return x, x.transports != 0
}

func carriersOf(protocols uint32) (transports uint32) {
	for p, carriers := range carriers {
		if protocols&(1<<p) != 0 {
			transports |= carriers
		}
	}
	return transports
}

// JoinRanges gives the same numbers in order, in the fewest ranges: without overlaps, and none touches the next. It does not change all.
func JoinRanges(all []Range) (joined []Range) {
	for _, r := range slices.SortedFunc(slices.Values(all), func(a, b Range) int { return a.Min - b.Min }) {
		if n := len(joined); n > 0 && r.Min <= joined[n-1].Max+1 {
			joined[n-1].Max = max(joined[n-1].Max, r.Max)
			continue
		}
		joined = append(joined, r)
	}
	return joined
}
