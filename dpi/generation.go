package dpi

import (
	"dpilab/dpi/inspect"
	"dpilab/rules"
)

// generation is a compiled policy and the flows that live under it: a reload makes a new one, and the old one goes when its
// last flow does.
type generation struct {
	compiled *rules.Compiled
	reads    rules.FactSet // what its rules ask for
	answers  *answers
	flows    int
	freezes  bool // a rule counts from a flow's first packet on
	names    bool // a rule counts flows by what their hello shows
	ja4      bool // a rule counts flows by their fingerprint: look is to leave it in Engine.ja4
	again    bool // a rule is asked again
	hosts    bool // every request is read for its host
	sizes    bool // of payload, its size is all that is asked for
	asked    askedSigns
	doubts   doubts
	unsaid   bool // no flow is given to the kernel to pass: one that it held longer than the engine would be met in its middle, and dropped
	oneWay   bool // packets of one direction are not seen: the kernel, which knows none, would drop them as well
	quic     inspect.QUICOptions
}

func newGeneration(c *rules.Compiled) generation {
	g := generation{
		compiled: c,
		reads:    c.Reads(),
		answers:  new(answers),
		hosts:    c.Profile.HTTPEvery && c.Reads().Has(rules.FactHost),
		asked:    askedOf(c.Signs()),
		doubts:   doubtsOf(c),
		unsaid:   c.Profile.MidStream == rules.MidStreamDrops,
		oneWay:   c.Profile.Sees != rules.Both,
		quic:     quicOptions(&c.Profile.QUIC),
		sizes:    c.Reads()&payloadFacts == 1<<rules.FactSize,
	}
	for i := range c.Rules {
		do := &c.Rules[i].Do
		g.again = g.again || c.Rules[i].Again
		g.freezes = g.freezes || do.Mechanism == rules.MechanismFreeze || do.Then != nil && do.Then.Mechanism == rules.MechanismFreeze
		g.sizes = g.sizes && !countsData(do) && (do.Then == nil || !countsData(do.Then))
		g.names = g.names || do.Mechanism == rules.MechanismLimit && do.Keys&(rules.LimitSNI|rules.LimitJA4) != 0
		g.ja4 = g.ja4 || do.Mechanism == rules.MechanismLimit && do.Keys&rules.LimitJA4 != 0
	}
	return g
}

// countsData tells whether a mechanism asks which packets are data of the flow's protocol.
func countsData(do *rules.Do) bool {
	return do.From == rules.StartData || do.After.Unit == rules.UnitData || do.Or.Unit == rules.UnitData
}

// reload makes the policy that SetPolicy asked for the current one.
func (e *Engine) reload() {
	if c := e.wanted.Load(); c != e.policies[e.current].compiled {
		e.current = e.generationOf(c)
	}
}

// generationOf gives the index of c among the live policies, adding it where it is new.
func (e *Engine) generationOf(c *rules.Compiled) uint16 {
	free := -1
	for i := range e.policies {
		g := &e.policies[i]
		if g.compiled == c {
			return uint16(i)
		}
		if g.flows == 0 && uint16(i) != e.current {
			free = i
		}
	}
	if free >= 0 {
		e.policies[free] = newGeneration(c)
		return uint16(free)
	}
	e.policies = append(e.policies, newGeneration(c))
	return uint16(len(e.policies) - 1)
}

func (e *Engine) compiled(f *flow) *rules.Compiled { return e.policies[f.policy].compiled }

// forget lets go of what a flow holds outside the table.
func (e *Engine) forget(f *flow) {
	e.policies[f.policy].flows--
	e.putReading(f)
	e.putBelief(f)
	e.putLedger(f)
}
