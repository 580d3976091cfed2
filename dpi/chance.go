package dpi

import (
	"dpilab/rules"
)

// draw notes which chances of the policy the flow that opens has lost.
func (e *Engine) draw(f *flow, c *rules.Compiled) {
	for i := range c.Chances() {
		if x := &c.Chances()[i]; !e.lucky(f, &x.Chance) {
			f.facts.Lost |= x.Bit
		}
	}
}

// lucky makes one draw. All but a coin depend on the seed and on what they are drawn of alone: not on the engine, and not on the rule,
// so that two rules for the same share of ports are for the same ports (FOCI26, P: a hole in the filter is the port's).
func (e *Engine) lucky(f *flow, c *rules.Chance) bool {
	var h uint64
	switch c.Of {
	case rules.ChanceFlow:
		h = f.key.hash(e.salt)
	case rules.ChanceClient:
		a := f.key.inside
		h = mix(mix(e.salt^a[0], 0x9e3779b97f4a7c15)^a[1], 0xd6e8feb86659fd93)
	case rules.ChancePort:
		h = mix(e.salt^uint64(f.key.outsidePort)<<1, 0xa0761d6478bd642f)
	default:
		return e.random.Float64() < c.Share
	}
	h = mix(h^0xe7037ed1a0b428db, 0x8ebc6af09c88c6e3)
	return float64(h>>11)/(1<<53) < c.Share
}

// saltOf spreads a seed over 64 bits.
func saltOf(seed uint64) uint64 { return mix(seed^0x2d358dccaa6c78a5, 0x8bb84b93962eacc9) }
