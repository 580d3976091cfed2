package rules

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// QueueStats is a Need, and the rules that it comes from.
type QueueStats struct {
	Everything bool         `json:"everything"`
	Payload    bool         `json:"payload"`
	Says       []string     `json:"says"` // what is queued, how much of it, and what is not, in words
	Interests  []Reason     `json:"interests"`
	Blocks     []BlockStats `json:"blocks"`
}

// Reason is some packets, in words, and the rules for which they are needed.
type Reason struct {
	Packets string   `json:"packets"`
	Rules   []string `json:"rules"` // by name; what the profile needs is among them
}

// BlockStats is a Block.
type BlockStats struct {
	Rule      string `json:"rule"`
	Direction string `json:"direction"`
	Prefixes  int    `json:"prefixes"`
}

func (c *Compiled) queueStats() QueueStats {
	n := c.Need()
	q := QueueStats{Everything: n.Everything, Payload: n.Payload, Interests: []Reason{}, Blocks: []BlockStats{}}
	parts := c.partsOfNeed()
	interests := n.Interests
	if n.Everything {
		interests = []Interest{{}}
	}
	for i := range interests {
		q.Interests = append(q.Interests, Reason{interests[i].String(), reasonsFor(&interests[i], parts, n.Everything)})
	}
	switch {
	case n.Everything && c.Profile.FailClosed:
		q.Says = append(q.Says, "everything: the profile's fail: closed loses the packets of flows that a full table has no room for")
	case n.Everything:
		q.Says = append(q.Says, "everything: "+few(q.Interests[0].Rules, "; "))
	case len(interests) == 0:
		q.Says = append(q.Says, "only fragments")
	}
	for _, r := range q.Interests {
		if !n.Everything {
			q.Says = append(q.Says, "only "+r.Packets+": "+few(r.Rules, ", "))
		}
	}
	q.Says = append(q.Says, c.payloadSays(n.Payload))
	for _, b := range n.Blocks {
		x := BlockStats{c.Rules[b.Rule].Name, b.Direction.String(), len(b.Prefixes)}
		q.Blocks = append(q.Blocks, x)
		if len(q.Blocks) <= fewNames {
			q.Says = append(q.Says, fmt.Sprintf("not at all, as the kernel drops them: %s of %s, rule %s", directed(b.Direction), prefixesWord(x.Prefixes), x.Rule))
		}
	}
	if more := len(n.Blocks) - fewNames; more > 0 {
		q.Says = append(q.Says, fmt.Sprintf("and those of %d more such rules", more))
	}
	return q
}

// part is one interest of a rule, or of the profile.
type part struct {
	Interest
	name, says string
}

// partsOfNeed gives what Need puts together.
func (c *Compiled) partsOfNeed() (parts []part) {
	d := needs{c: c, areas: map[string][]netip.Prefix{}}
	d.findBlocks()
	for i := range c.Rules {
		d.interests = d.interests[:0]
		d.addRule(i)
		for _, x := range d.interests {
			parts = append(parts, part{x, c.Rules[i].Name, "rule " + c.Rules[i].Name + " " + c.asksOf(i)})
		}
	}
	if c.Profile.MidStream == MidStreamDrops {
		const why = "the profile's mid-stream: drops"
		parts = append(parts, part{Interest{Transports: 1 << TransportTCP}, why, why})
	}
	for i := range parts {
		parts[i].tidy()
	}
	return parts
}

// reasonsFor gives the names of the rules whose parts went into x: in few words where everything did, and then only of those that
// alone would need everything.
func reasonsFor(x *Interest, parts []part, everything bool) (names []string) {
	all := *x
	all.tidy()
	x = &all
	var to prefixSet
	to.insert(x.To)
	within := map[*netip.Prefix]bool{} // of lists that rules share
	for i := range parts {
		p := &parts[i]
		if p.Transports&^x.Transports != 0 || !rangesWithin(p.Ports, x.Ports) || x.To != nil && p.To == nil {
			continue
		}
		if x.To != nil && len(p.To) > 0 {
			in, known := within[first(p.To)]
			if !known {
				in = !slices.ContainsFunc(p.To, func(q netip.Prefix) bool { return !to.LookupPrefix(q) })
				within[first(p.To)] = in
			}
			if !in {
				continue
			}
		}
		name := p.name
		if everything {
			if p.Transports != anyTransport || p.Ports != nil || p.To != nil {
				continue
			}
			name = p.says
		}
		if len(names) == 0 || names[len(names)-1] != name {
			names = append(names, name)
		}
	}
	if len(names) == 0 { // only together
		names = []string{"its rules together"}
	}
	return names
}

// asksOf says what makes a rule need what it needs.
func (c *Compiled) asksOf(i int) string {
	if facts := c.tests[i].reads() &^ headerFacts; facts != 0 {
		return "reads " + strings.Join(facts.names(), ", ") + " of any flow"
	}
	return "is for any flow, or leaves something behind for any"
}

func (c *Compiled) payloadSays(payload bool) string {
	if !payload {
		return "of these, the headers"
	}
	var why []string
	if c.Profile.Fragments.Hold {
		why = append(why, "the profile's fragments: {hold: true}")
	}
	if !c.Profile.Fooled.Checksum {
		why = append(why, "the profile's fooled by: {checksum: false}")
	}
	for i := range c.Rules {
		r := &c.Rules[i]
		switch facts := c.tests[i].reads() &^ headerFacts &^ (1 << FactSize); {
		case facts != 0:
			why = append(why, "rule "+r.Name+" reads "+strings.Join(facts.names(), ", "))
		case r.Do.any(func(d *Do) bool { return d.Mechanism == MechanismRedirect || d.Mechanism == MechanismAnswer }):
			why = append(why, "rule "+r.Name+" reads questions")
		case c.reads.Has(FactSize) && r.Do.any((*Do).asksOfPayload):
			why = append(why, "rule "+r.Name+" counts what payload shows")
		}
	}
	return "of these, whole packets: " + few(why, "; ")
}
