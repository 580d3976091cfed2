package matrix

import (
	"fmt"
	"net/netip"
	"strings"

	"dpilab/dpi"
	"dpilab/lab/probe"
	"dpilab/rules"
	"dpilab/scenarios"
)

const maxHits = 50 // of a try are kept

// hit is a rule that touched a flow, with what a Hit does not say.
type hit struct {
	Hit
	mechanism rules.Mechanism
	to        string // where its flow leads, in words
}

// hits gives the first time that each rule touched each flow. Rules that count let flows be that they hit, most of them for good: of those
// it is the first drop.
func (s *sight) hits(hostOf map[netip.Addr]string) []hit {
	type touch struct {
		flow dpi.FlowID
		rule string
	}
	var all []hit
	known := map[touch]bool{}
	for _, e := range s.events {
		m := e.Rule.Do.Mechanism
		first := e.Kind == dpi.EventHit
		if m == rules.MechanismFreeze || m == rules.MechanismLimit {
			first = e.Kind == dpi.EventDrop
		}
		t := touch{e.Flow, e.Rule.Name}
		if !first || known[t] || len(all) == maxHits {
			continue
		}
		known[t] = true
		why := scenarios.WhyOf(e.Event)
		all = append(all, hit{mechanism: m, to: leadsTo(e.Flow, hostOf), Hit: Hit{
			MS: float64(e.at.Microseconds()) / 1000, Rule: why.Rule, Policy: why.Policy, Mechanism: why.Mechanism, Source: why.Source,
			Flow: e.Flow.String(), Name: why.Name, Packet: why.Packet,
		}})
	}
	return all
}

// explains tells whether a mechanism can lead to such an outcome. A box that drops a flow makes no NXDOMAIN; one that learns a server does
// nothing to the flow that it learns from.
func (h *hit) explains(k probe.Kind) bool {
	switch h.mechanism {
	case rules.MechanismPass:
		return false
	case rules.MechanismLearn:
		return strings.HasPrefix(h.Mechanism, "learnt")
	case rules.MechanismRedirect, rules.MechanismAnswer:
		return true
	}
	return k != probe.NXDomain
}

// slows tells whether a mechanism makes a transfer slower and lets it come to its end.
func (h *hit) slows() bool { return slows(h.mechanism) }

func slows(m rules.Mechanism) bool {
	switch m {
	case rules.MechanismPolice, rules.MechanismCapacity, rules.MechanismFreeze:
		return true
	}
	return false
}

// leadsTo is a flow without the client's port, so that the same reason has the same words in each try: "tcp to x (203.0.113.34:443)".
func leadsTo(id dpi.FlowID, hostOf map[netip.Addr]string) string {
	_, end := id.Ends()
	if name := hostOf[id.Outside.Addr()]; name != "" {
		end = fmt.Sprintf("%s (%s)", name, end)
	}
	return id.TransportName() + " to " + end
}

// String says which rule hit which flow, and at which packet.
func (h *hit) String() string {
	text := fmt.Sprintf("rule %s (%s): %s, on %s at packet %d", h.Rule, h.Policy, h.Mechanism, h.to, h.Packet)
	if h.Name != "" {
		text += ", " + h.Name
	}
	return text + ". Source: " + h.Source
}
