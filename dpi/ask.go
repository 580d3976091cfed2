package dpi

import "dpilab/rules"

// answers are what the policy said to the last questions. Most flows ask what another one has just asked: nothing is known but that it
// is TCP, or that its name is in no list.
type answers [64]answered

type answered struct {
	facts   rules.Facts
	asked   bool
	pending bool
	hit     int32
}

// ask gives the rule that hits with these facts, or -1, and if none does, whether one still could (rules.Compiled.Match and Pending). Of the
// facts it takes out what no rule asks for.
func (g *generation) ask(x *rules.Facts) (hit int32, pending bool) {
	x.Known &= g.reads
	if !g.reads.Has(rules.FactPort) {
		x.Port = 0
	}
	if !g.reads.Has(rules.FactSourcePort) {
		x.SourcePort = 0
	}
	if !g.reads.Has(rules.FactSize) {
		x.Size = 0
	}
	a := &g.answers[slotOf(x)%uint64(len(g.answers))]
	if !a.asked || a.facts != *x {
		*a = answered{facts: *x, asked: true, hit: int32(g.compiled.Match(x))}
		a.pending = a.hit < 0 && g.compiled.Pending(x)
	}
	return a.hit, a.pending
}

func slotOf(x *rules.Facts) uint64 {
	names := x.SNI ^ x.Host<<1 ^ x.Query<<2 ^ x.Certificate<<3 ^ x.JA3<<4 ^ x.JA4<<5
	few := uint64(x.Known)<<32 | uint64(x.Transport)<<24 | uint64(x.Protocol)<<16 | uint64(x.Opened)<<8 | uint64(x.Hello)
	rest := uint64(x.Port)<<32 ^ uint64(x.SourcePort)<<16 ^ uint64(x.Size) ^ x.Signs ^ x.Lost<<8
	return mix(uint64(names^x.To<<6^x.From<<7)^few, 0x9e3779b97f4a7c15) ^ mix(rest^0xd6e8feb86659fd93, 0xa0761d6478bd642f)
}
