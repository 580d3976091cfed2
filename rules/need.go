package rules

import "net/netip"

// Need is what an engine must be given under a policy so that it decides as if it saw every packet whole. It follows from the rules
// that could hit and from what the profile remembers of flows that none does.
type Need struct {
	// Payload: the bytes behind the transport's header are read. Otherwise the headers of each packet and its length suffice.
	Payload bool
	// Everything: any packet can matter. Otherwise only fragments, and those that one of Interests fits.
	Everything bool
	Interests  []Interest
	// Blocks decide by the outside address alone: the engine would drop each of their packets whatever else it sees.
	Blocks []Block
}

// Interest describes packets that can matter: the fields are joined by and.
type Interest struct {
	Transports uint32         // a bit each, 1<<TransportTCP; 0: any
	Ports      []Range        // of the outside end; nil: any
	To         []netip.Prefix // of the outside end, in order and without overlaps; nil: any
}

// Block is a rule that drops all packets to or from whole prefixes.
type Block struct {
	Rule      int            // index into Compiled.Rules
	Direction Direction      // of the packets that are dropped
	Prefixes  []netip.Prefix // in order and without overlaps
}

// Need derives what the policy needs.
func (c *Compiled) Need() Need { return Need{Payload: true, Everything: true} }
