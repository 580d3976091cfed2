package rules

import (
	"net/netip"
	"slices"
)

// Need is what an engine must be given under a policy so that it decides as if it saw every packet whole. It follows from the rules
// that could hit and from what the profile remembers of flows that none does.
//
// As if: the verdicts are the same, packet by packet, but for how coins fall, and as long as the engine's table has room for every flow. What is
// not given takes no room, so a table that is not large enough passes fewer flows unseen. A policy that is new says nothing of flows
// that opened under the one before, or of what those left behind.
type Need struct {
	// Payload: the bytes behind the transport's header are read. Otherwise the headers of each packet and its length suffice.
	Payload bool
	// Everything: any packet can matter. Otherwise only fragments, and those that one of Interests fits. Interests leave out what Blocks
	// decide alone.
	Everything bool
	Interests  []Interest
	// Blocks decide by the outside address alone: the engine would drop each of their packets whatever else it sees. No prefix is in two of
	// them. Fragments are not theirs, as an engine may hold those.
	Blocks []Block
}

// Interest describes packets that can matter: the fields are joined by and.
type Interest struct {
	Transports uint32         // a bit each, 1<<TransportTCP; 0: any
	Ports      []Range        // of the outside end, in order and without overlaps; nil: any
	To         []netip.Prefix // of the outside end, in order and without overlaps; nil: any
}

// Block is a rule that drops all packets to or from whole prefixes.
type Block struct {
	Rule      int            // index into Compiled.Rules
	Direction Direction      // of the packets that are dropped
	Prefixes  []netip.Prefix // in order and without overlaps
}

// maxInterests is how many Interests a Need has at most, so that a packet is compared with few (choice).
const maxInterests = 16

// Need derives what the policy needs. It takes time that grows with the rules and their prefixes: it is for a policy that is loaded, not
// for packets.
//
// An Interest names only what all packets of a flow have in common, so that a flow is seen from its first packet to its last or not
// at all. Who opened it, its inside end, the profile's misses and chances can only make fewer flows of interest, and are left out.
func (c *Compiled) Need() Need {
	n, _ := c.need()
	return n
}

func (c *Compiled) need() (Need, *needs) {
	d := &needs{regions: newRegions(c)}
	d.findBlocks()
	for i := range c.Rules {
		d.addRule(i)
	}
	if c.Profile.MidStream == MidStreamDrops {
		d.add(interest{transports: 1 << TransportTCP}) // any of which may be met in its middle
	}
	d.merge()
	n := Need{Blocks: d.blockPrefixes()}
	// A table that is full loses the packets of all flows that are not in it.
	if n.Everything = d.everything || c.Profile.LosesUnseen(); !n.Everything {
		n.Interests = d.interestPrefixes()
	}
	n.Payload = c.needsPayload() && (n.Everything || len(n.Interests) > 0) || c.Profile.Fragments.Hold
	return n, d
}

// WithoutBlocks is the same need for a caller that leaves all blocks to the engine.
func (n Need) WithoutBlocks() Need {
	if n.Everything || len(n.Blocks) == 0 {
		n.Blocks = nil
		return n
	}
	var all spans
	add := func(prefixes []netip.Prefix) {
		for _, p := range prefixes {
			all = append(all, spanOf(p))
		}
	}
	for _, b := range n.Blocks {
		add(b.Prefixes)
	}
	var rest []Interest
	for _, x := range n.Interests {
		if x.Transports == 0 && x.Ports == nil {
			add(x.To)
			continue
		}
		rest = append(rest, x)
	}
	to := join(all).prefixes()
	n.Blocks, n.Interests = nil, append(rest, Interest{To: to})
	if n.Everything = slices.Equal(to, everywhere); n.Everything {
		n.Interests = nil
	}
	return n
}

// everywhere are all addresses.
var everywhere = []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)}

// headerFacts are those that need no payload.
const headerFacts FactSet = 1<<FactTo | 1<<FactFrom | 1<<FactPort | 1<<FactSourcePort | 1<<FactTransport | 1<<FactOpened

// needsPayload tells whether a flow's payload is read, or rewritten. The size of a first payload is known without it. Counts of data and
// limits by what a hello shows are no reason of their own: where no rule asks for what payload shows, no protocol is known, so that
// all payload is data, and no hello is read.
func (c *Compiled) needsPayload() bool {
	// Opening packets and resets are believed by their checksum, even those of flows of which nothing else is read.
	if c.reads&^headerFacts&^(1<<FactSize) != 0 || !c.Profile.Fooled.Checksum {
		return true
	}
	return slices.ContainsFunc(c.Rules, func(r Rule) bool {
		return r.Do.any(func(d *Do) bool {
			return d.Mechanism == MechanismRedirect || d.Mechanism == MechanismAnswer || c.reads.Has(FactSize) && d.asksOfPayload()
		})
	})
}

// asksOfPayload tells whether the mechanism goes by what is in the payload of flows that are read.
func (d *Do) asksOfPayload() bool {
	return d.From == StartData || d.After.Unit == UnitData || d.Or.Unit == UnitData || d.Keys&(LimitSNI|LimitJA4) != 0
}

// any tells whether f holds for the mechanism or one that it leads to.
func (d *Do) any(f func(*Do) bool) bool {
	for ; d != nil; d = d.Then {
		if f(d) {
			return true
		}
	}
	return false
}
