package nfq

import (
	"dpilab/rules"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// On a bridge the forward hook of family inet shows the bridge as both interfaces. A chain of family bridge, which sees each packet
// just before, marks those that go from one of the box's ports to the other. Packets that it did not mark yet are queued.

const beforeInet = -200 // NF_BR_PRI_FILTER_BRIDGED; bridged packets go on to family inet at NF_BR_PRI_BRNF, which is 0

func markOf(dir rules.Direction) uint32 {
	if dir == rules.Down {
		return markBase | markDown
	}
	return markBase | markUp
}

// marks tells whether packets are marked by their way across the bridge.
func (a *attachment) marks() bool { return a.bridged && a.decides && !a.untold }

// portChains makes the chains of family bridge, without a rule.
func (a *attachment) portChains() {
	priority := nftables.ChainPriority(beforeInet)
	a.frames = a.conn.AddChain(&nftables.Chain{Name: "frames", Table: a.bridge, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookForward, Priority: &priority})
	a.ipFrames = a.conn.AddChain(&nftables.Chain{Name: "ip", Table: a.bridge})
}

// fillPorts replaces their rules: packets are marked, or are not.
func (a *attachment) fillPorts(mark bool) {
	if !a.marks() {
		return
	}
	a.conn.FlushChain(a.frames)
	a.conn.FlushChain(a.ipFrames)
	if !mark {
		return
	}
	for _, protocol := range [][]byte{{0x08, 0x00}, {0x86, 0xdd}} {
		a.conn.AddRule(&nftables.Rule{Table: a.bridge, Chain: a.frames, Exprs: append(metaIs(expr.MetaKeyPROTOCOL, protocol), leap(a.ipFrames.Name)...)})
	}
	for _, dir := range []rules.Direction{rules.Up, rules.Down} {
		from, to := a.inside, a.outside
		if dir == rules.Down {
			from, to = to, from
		}
		exprs := append(metaIs(expr.MetaKeyIIFNAME, named(from)), metaIs(expr.MetaKeyOIFNAME, named(to))...)
		a.conn.AddRule(&nftables.Rule{Table: a.bridge, Chain: a.ipFrames, Exprs: append(exprs,
			&expr.Immediate{Register: 1, Data: u32(markOf(dir))},
			&expr.Meta{Key: expr.MetaKeyMARK, SourceRegister: true, Register: 1})})
	}
}
