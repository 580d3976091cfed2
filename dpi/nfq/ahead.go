package nfq

import (
	"dpilab/rules"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// way is one way across the box, as the rules tell it, with a chain of its own and one more a family.
type way struct {
	name string
	dir  rules.Direction // Both: the rules cannot tell, and the outside end may be either
}

var allWays = []way{{"up", rules.Up}, {"down", rules.Down}, {"any", rules.Both}}

// ways are those that packets are led to.
func (a *attachment) ways() []way {
	if a.untold {
		return allWays[2:]
	}
	return allWays[:2]
}

// aheadChains makes the chains for what the kernel decides ahead of the queue. They are empty until fill, and cost a jump.
func (a *attachment) aheadChains() {
	a.ahead = a.chain("ahead")
	a.way = map[string]*nftables.Chain{}
	for _, w := range allWays {
		a.way[w.name] = a.chain(w.name)
		for _, f := range a.families {
			a.way[w.name+f.suffix] = a.chain(w.name + f.suffix)
		}
	}
}

func (a *attachment) chain(name string) *nftables.Chain {
	return a.conn.AddChain(&nftables.Chain{Name: name, Table: a.table})
}

// fill replaces the rules of these chains, in the connection's batch. A packet that comes back from them is queued.
func (a *attachment) fill(d *decisions, s *aheadSets) {
	a.conn.FlushChain(a.ahead)
	for _, w := range allWays {
		a.conn.FlushChain(a.way[w.name])
		for _, f := range a.families {
			a.conn.FlushChain(a.way[w.name+f.suffix])
		}
	}
	nothing := d.all && !d.blocking()
	a.fillPorts(!nothing)
	if nothing {
		return
	}
	for _, w := range a.ways() {
		a.rule(a.ahead, a.goes(w.dir), leap(w.name))
		for _, f := range a.families {
			a.rule(a.way[w.name], metaIs(expr.MetaKeyNFPROTO, []byte{f.nfproto}), leap(w.name+f.suffix))
			a.fillWay(a.way[w.name+f.suffix], w.dir, &f, d, s)
		}
	}
}

// fillWay writes the rules for the packets of one family on one way.
func (a *attachment) fillWay(c *nftables.Chain, dir rules.Direction, f *family, d *decisions, s *aheadSets) {
	back := verdict(expr.VerdictReturn)
	for _, x := range f.unclear(dir) {
		a.rule(c, x, back)
	}
	if dir != rules.Both {
		blocks, others := s.blocks[side(dir)][f.suffix], s.blocks[1-side(dir)][f.suffix]
		if blocks != nil {
			a.rule(c, f.outside(dir), lookup(blocks), count(counterBlocked), verdict(expr.VerdictDrop))
		}
		if others != nil && others != blocks { // the kernel would pass both directions
			a.rule(c, f.outside(dir), lookup(others), back)
		}
	}
	if d.all {
		return
	}
	a.rule(c, f.protocol(expr.CmpOpNeq, unix.IPPROTO_TCP), f.protocol(expr.CmpOpNeq, unix.IPPROTO_UDP), back)
	for i := range d.interests {
		a.fillInterest(c, dir, f, &d.interests[i], s.to[i][f.suffix], s.ports[i])
	}
	a.rule(c, jump(rememberIn(a.pass[f.suffix])))
	a.rule(c, count(counterSkipped), verdict(expr.VerdictAccept))
}

// fillInterest writes the rules for packets that fit an interest.
func (a *attachment) fillInterest(c *nftables.Chain, dir rules.Direction, f *family, x *interest, to, ports *nftables.Set) {
	if !x.anywhere && to == nil {
		return
	}
	dirs := []rules.Direction{dir}
	if dir == rules.Both {
		dirs = []rules.Direction{rules.Up, rules.Down}
	}
	for _, dir := range dirs {
		var where []expr.Any
		if ports != nil {
			where = append(append(where, outsidePort(dir)), lookup(ports)...)
		}
		if to != nil {
			where = append(append(where, f.outside(dir)...), lookup(to)...)
		}
		for _, protocol := range f.transports(x.transports) {
			a.rule(c, protocol, where, verdict(expr.VerdictReturn))
		}
	}
}

// goes holds for packets on their way up or down.
func (a *attachment) goes(dir rules.Direction) []expr.Any {
	from, to := a.inside, a.outside
	switch {
	case dir == rules.Both:
		return nil
	case a.bridged:
		return metaIs(expr.MetaKeyMARK, u32(markOf(dir)))
	case dir == rules.Down:
		from, to = to, from
	}
	return append(metaIs(expr.MetaKeyIIFNAME, named(from)), metaIs(expr.MetaKeyOIFNAME, named(to))...)
}

// leap jumps and does not come back: a packet at the end of that chain goes on where the last jump was.
func leap(chain string) []expr.Any {
	return []expr.Any{&expr.Verdict{Kind: expr.VerdictGoto, Chain: chain}}
}

func side(d rules.Direction) int {
	if d == rules.Down {
		return 1
	}
	return 0
}
