package nfq

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// The mark of a packet that comes back from the engine, for the second chain. The upper bits say that it is ours.
const (
	markBase uint32 = 0x6e667100
	markPass uint32 = 1 // pass the rest of the flow
	markDrop uint32 = 2 // drop the rest of the flow
	markThis uint32 = 4 // drop this packet
	markBits        = markPass | markDrop | markThis
)

const (
	dynsetAdd    = 0
	dynsetUpdate = unix.NFT_DYNSET_OP_UPDATE
	dynsetDelete = 2 // NFT_DYNSET_OP_DELETE; x/sys does not have it
	setSize      = 1 << 18

	counterQueued = "queued"
	counterPass   = "passed"
	counterDrop   = "dropped"
)

// attachment is what the rules are to do.
type attachment struct {
	pairs      [][2]string // interfaces in and out that a packet to be queued crosses
	first      uint16      // queue
	queues     uint16
	failOpen   bool
	offload    bool
	passIdle   time.Duration // life of an entry in @pass after its last packet
	dropFor    time.Duration // life of an entry in @drop
	xtables    bool          // the NFQUEUE target of xtables, rather than the queue expression of nftables
	families   []family
	conn       *nftables.Conn
	table      *nftables.Table
	pass, drop map[string]*nftables.Set // by family suffix
}

// chains puts everything within the table into the connection's batch.
func (a *attachment) chains() error {
	for _, name := range []string{counterQueued, counterPass, counterDrop} {
		a.conn.AddObj(&nftables.NamedObj{Table: a.table, Name: name, Type: nftables.ObjTypeCounter, Obj: &expr.Counter{}})
	}
	box := a.conn.AddChain(&nftables.Chain{Name: "box", Table: a.table})
	if a.offload {
		if err := a.sets(); err != nil {
			return err
		}
		a.before(box)
		a.after()
	}
	if err := a.queued(box); err != nil {
		return err
	}
	pre := a.hook("pre", 0)
	for _, pair := range a.pairs {
		a.rule(pre, metaIs(expr.MetaKeyIIFNAME, named(pair[0])), metaIs(expr.MetaKeyOIFNAME, named(pair[1])), jump(box.Name))
	}
	return nil
}

func (a *attachment) sets() error {
	a.pass, a.drop = map[string]*nftables.Set{}, map[string]*nftables.Set{}
	for _, f := range a.families {
		for name, set := range map[string]struct {
			in      map[string]*nftables.Set
			timeout time.Duration
		}{"pass": {a.pass, a.passIdle}, "drop": {a.drop, a.dropFor}} {
			s := &nftables.Set{Table: a.table, Name: name + f.suffix, KeyType: f.keyType(), Concatenation: true,
				Dynamic: true, HasTimeout: true, Timeout: set.timeout, Size: setSize}
			if err := a.conn.AddSet(s, nil); err != nil {
				return fmt.Errorf("nfq: set %s: %w", s.Name, err)
			}
			set.in[f.suffix] = s
		}
	}
	return nil
}

// before looks the flow up in the sets, ahead of the queue.
func (a *attachment) before(box *nftables.Chain) {
	for _, f := range a.families {
		known := a.conn.AddChain(&nftables.Chain{Name: "known" + f.suffix, Table: a.table})
		pass, drop := a.pass[f.suffix], a.drop[f.suffix]
		a.rule(known, bareSYN(), f.key(false), dynset(dynsetDelete, pass, 0), dynset(dynsetDelete, drop, 0),
			f.key(true), dynset(dynsetDelete, pass, 0), dynset(dynsetDelete, drop, 0))
		a.rule(known, f.key(false), lookup(pass), dynset(dynsetUpdate, pass, a.passIdle), count(counterPass), verdict(expr.VerdictAccept))
		a.rule(known, f.key(false), lookup(drop), count(counterDrop), verdict(expr.VerdictDrop))
		for _, g := range f.guards() {
			a.rule(box, g, jump(known.Name))
		}
	}
}

// after turns the marks of the engine's verdicts into entries of the sets. A verdict of drop ends a packet's way
// before this chain: a flow is put into @drop by a packet that is accepted, and dropped here.
func (a *attachment) after() {
	post := a.hook("post", 10)
	a.rule(post, []expr.Any{
		&expr.Meta{Key: expr.MetaKeyMARK, Register: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: u32(^markBits), Xor: u32(0)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: u32(markBase)},
	}, verdict(expr.VerdictAccept))
	for _, f := range a.families {
		a.remember(post, &f, markPass, a.pass[f.suffix], dynsetUpdate, a.passIdle)
		a.remember(post, &f, markDrop, a.drop[f.suffix], dynsetAdd, a.dropFor) // add: an entry is not renewed
	}
	a.rule(post, markHas(markThis), verdict(expr.VerdictDrop))
}

func (a *attachment) remember(post *nftables.Chain, f *family, bit uint32, set *nftables.Set, op uint32, timeout time.Duration) {
	c := a.conn.AddChain(&nftables.Chain{Name: "to_" + set.Name, Table: a.table})
	a.rule(c, f.key(false), dynset(op, set, timeout))
	a.rule(c, f.key(true), dynset(op, set, timeout))
	for _, g := range f.guards() {
		a.rule(post, markHas(bit), g, jump(c.Name))
	}
}

func (a *attachment) hook(name string, priority nftables.ChainPriority) *nftables.Chain {
	return a.conn.AddChain(&nftables.Chain{Name: name, Table: a.table, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookForward, Priority: &priority})
}

func (a *attachment) rule(c *nftables.Chain, parts ...[]expr.Any) {
	a.conn.AddRule(&nftables.Rule{Table: a.table, Chain: c, Exprs: slices.Concat(parts...)})
}

func jump(chain string) []expr.Any {
	return []expr.Any{&expr.Verdict{Kind: expr.VerdictJump, Chain: chain}}
}

func verdict(k expr.VerdictKind) []expr.Any { return []expr.Any{&expr.Verdict{Kind: k}} }

func count(name string) []expr.Any {
	return []expr.Any{&expr.Objref{Type: int(nftables.ObjTypeCounter), Name: name}}
}

func lookup(s *nftables.Set) []expr.Any {
	return []expr.Any{&expr.Lookup{SourceRegister: firstRegister, SetName: s.Name, SetID: s.ID}}
}

func dynset(op uint32, s *nftables.Set, timeout time.Duration) []expr.Any {
	return []expr.Any{&expr.Dynset{SrcRegKey: firstRegister, SetName: s.Name, SetID: s.ID, Operation: op, Timeout: timeout}}
}
