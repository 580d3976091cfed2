package nfq

import (
	"slices"

	"dpilab/rules"
)

// decisions are what the kernel does with packets of flows that are in no set: drop, pass or queue.
type decisions struct {
	blocks    [2]spans   // of the outside ends of packets that are dropped, on their way up and down
	all       bool       // everything else is queued
	interests []interest // otherwise what one of these fits, and what the kernel cannot tell; the rest passes
}

// interest is a rules.Interest whose outside addresses are spans.
type interest struct {
	transports uint32
	ports      []rules.Range // nil: any
	anywhere   bool          // any address
	to         spans
}

// blocking tells whether anything is blocked.
func (d *decisions) blocking() bool { return len(d.blocks[0])+len(d.blocks[1]) > 0 }

// maxInterests bounds the rules that a packet of no interest goes through, all of them.
const maxInterests = 64

// decide gives the decisions that are right under each of the needs: what all of them block is dropped, and what one of them wants is
// queued. Blocks need to know a packet's direction; told says whether the rules can tell it.
func decide(k Kernel, told bool, needs []rules.Need) decisions {
	d := decisions{all: !k.Has(KernelSkips)}
	for i := range needs {
		up, down := blocked(&needs[i])
		if i == 0 {
			d.blocks = [2]spans{up, down}
			continue
		}
		d.blocks = [2]spans{d.blocks[0].and(up), d.blocks[1].and(down)}
	}
	if !k.Has(KernelBlocks) || !told {
		d.blocks = [2]spans{}
	}
	for i := range needs {
		d.all = d.all || needs[i].Everything
	}
	if !d.all {
		for i := range needs {
			d.want(&needs[i])
		}
		d.all = len(d.interests) > maxInterests || d.wantAny()
	}
	if d.all {
		d.interests = nil
	}
	return d
}

// blocked are the outside ends that a need blocks, of packets up and down.
func blocked(n *rules.Need) (up, down spans) {
	for i := range n.Blocks {
		b := &n.Blocks[i]
		s := spansOf(b.Prefixes)
		if b.Direction != rules.Down {
			up = up.or(s)
		}
		if b.Direction != rules.Up {
			down = down.or(s)
		}
	}
	return up, down
}

// want adds what a need is interested in. What it blocks and the kernel does not is for the engine to drop.
func (d *decisions) want(n *rules.Need) {
	for i := range n.Interests {
		x := &n.Interests[i]
		ports := x.Ports
		if slices.ContainsFunc(ports, func(r rules.Range) bool { return r.Min <= 0 }) {
			ports = nil // to the engine, what has no port has port 0
		}
		d.add(interest{transports: x.Transports, ports: ports, anywhere: x.To == nil, to: spansOf(x.To)})
	}
	up, down := blocked(n)
	for side, s := range [2]spans{up, down} {
		if !slices.Equal(s, d.blocks[side]) {
			d.add(interest{to: s})
		}
	}
}

// wantAny tells whether any packet that could be skipped, which is TCP or UDP, fits an interest.
func (d *decisions) wantAny() bool {
	const skippable = 1<<rules.TransportTCP | 1<<rules.TransportUDP
	wanted := uint32(0)
	for i := range d.interests {
		if x := &d.interests[i]; x.anywhere && x.ports == nil {
			if x.transports == 0 {
				return true
			}
			wanted |= x.transports
		}
	}
	return wanted&skippable == skippable
}

func (d *decisions) add(x interest) {
	known := slices.ContainsFunc(d.interests, func(y interest) bool {
		return x.transports == y.transports && x.anywhere == y.anywhere && slices.Equal(x.ports, y.ports) && slices.Equal(x.to, y.to) &&
			(x.ports == nil) == (y.ports == nil)
	})
	if !known {
		d.interests = append(d.interests, x)
	}
}
