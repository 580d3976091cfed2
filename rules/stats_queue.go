package rules

import (
	"fmt"
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
	n, d := c.need()
	q := QueueStats{Everything: n.Everything, Payload: n.Payload, Interests: []Reason{}, Blocks: []BlockStats{}}
	parts := d.parts()
	merged := d.interests
	if n.Everything {
		merged = []interest{{transports: anyTransport}}
		n.Interests = []Interest{{}}
	}
	for i := range merged {
		q.Interests = append(q.Interests, Reason{n.Interests[i].String(), d.reasonsFor(&merged[i], parts, n.Everything)})
	}
	switch {
	case n.Everything && c.Profile.LosesUnseen():
		q.Says = append(q.Says, "everything: by the profile, the packets of flows that find no room are lost")
	case n.Everything:
		q.Says = append(q.Says, "everything: "+few(q.Interests[0].Rules, "; "))
	case len(n.Interests) == 0:
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
			q.Says = append(q.Says, fmt.Sprintf("not at all, as the kernel drops them: %s of %s, rule %s",
				directed(b.Direction), prefixesWord(x.Prefixes), x.Rule))
		}
	}
	if more := len(n.Blocks) - fewNames; more > 0 {
		q.Says = append(q.Says, fmt.Sprintf("and those of %d more such rules", more))
	}
	return q
}

// part is one interest of a rule, or of the profile.
type part struct {
	interest
	name, says string
}

// parts gives what was put together.
func (d *needs) parts() (parts []part) {
	apart := &needs{regions: d.regions, rest: d.rest}
	for i := range d.c.Rules {
		apart.interests = apart.interests[:0]
		apart.addRule(i)
		for _, x := range apart.interests {
			parts = append(parts, part{x, d.c.Rules[i].Name, "rule " + d.c.Rules[i].Name + " " + d.c.asksOf(i)})
		}
	}
	if d.c.Profile.MidStream == MidStreamDrops {
		const why = "the profile's mid-stream: drops"
		parts = append(parts, part{interest{transports: 1 << TransportTCP}, why, why})
	}
	return parts
}

// reasonsFor gives the names of the rules whose parts went into x; where everything did, what those say that alone would need it.
func (d *needs) reasonsFor(x *interest, parts []part, everything bool) (names []string) {
	within := map[*region]bool{} // of lists that rules share
	for i := range parts {
		p := &parts[i]
		in, known := within[p.to]
		if !known {
			in = d.within(p.to, x.to)
			within[p.to] = in
		}
		if !in || p.transports&^x.transports != 0 || !rangesWithin(p.ports, x.ports) || everything && !p.any() {
			continue
		}
		name := p.name
		if everything {
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
