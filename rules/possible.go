package rules

import (
	"cmp"
	"slices"
)

// carriers are the transports of each protocol, as far as the inspectors look.
var carriers = [protocolCount]uint32{
	ProtocolNone:       1<<transportCount - 1,
	ProtocolTLS:        1 << TransportTCP,
	ProtocolQUIC:       1 << TransportUDP,
	ProtocolHTTP:       1 << TransportTCP,
	ProtocolDNS:        1 << TransportUDP,
	ProtocolSTUN:       1<<TransportTCP | 1<<TransportUDP,
	ProtocolWhatsApp:   1 << TransportTCP,
	ProtocolDTLS:       1 << TransportUDP,
	ProtocolWireGuard:  1 << TransportUDP,
	ProtocolOpenVPN:    1<<TransportTCP | 1<<TransportUDP,
	ProtocolBitTorrent: 1<<TransportTCP | 1<<TransportUDP,
	ProtocolIKE:        1 << TransportUDP,
	ProtocolL2TP:       1 << TransportUDP,
	ProtocolSSH:        1 << TransportTCP,
	ProtocolSOCKS:      1 << TransportTCP,
	ProtocolProxy:      1 << TransportTCP,
}

// flows are the kinds of flow that a condition leaves.
type flows struct {
	protocols, transports uint32
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
		protocols uint32
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
	asked := uint32(0)
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
