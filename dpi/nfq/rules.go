package nfq

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// The mark of a packet: of one that comes back from the engine, for the second chain, and before that of its way across a bridge. The
// upper bits say that it is ours.
const (
	markBase uint32 = 0x6e667100
	markPass uint32 = 1 // pass the rest of the flow
	markDrop uint32 = 2 // drop the rest of the flow
	markThis uint32 = 4 // drop this packet
	markUp   uint32 = 8 // it goes from the inside to the outside of a bridge
	markDown uint32 = 16
	markBits        = markPass | markDrop | markThis
)

const (
	dynsetAdd    = 0
	dynsetUpdate = unix.NFT_DYNSET_OP_UPDATE
	dynsetDelete = 2 // NFT_DYNSET_OP_DELETE; x/sys does not have it

	counterQueued  = "queued"
	counterPass    = "passed"
	counterDrop    = "dropped"
	counterBlocked = "blocked"
	counterSkipped = "skipped"
)

// attachment is what the rules are to do.
type attachment struct {
	pairs      [][2]string // interfaces in and out that a packet to be queued crosses
	inside     string      // interfaces, of a bridge or not, that tell a packet's direction
	outside    string
	bridged    bool
	flows      uint32 // that the kernel may keep of each family, passed and dropped ones by themselves; two entries each
	untold     bool   // the rules cannot tell the direction
	first      uint16 // queue
	queues     uint16
	failOpen   bool
	offload    bool
	skips      bool
	decides    bool          // something ahead of the queue
	passIdle   time.Duration // life of an entry in @pass after its last packet
	dropFor    time.Duration // life of an entry in @drop
	xtables    bool          // the NFQUEUE target of xtables, rather than the queue expression of nftables
	families   []family
	conn       *nftables.Conn
	table      *nftables.Table
	atOnce     int                      // messages with set elements that fit a transaction
	pass, drop map[string]*nftables.Set // by family suffix
	bridge     *nftables.Table          // of family bridge; without it the direction of bridged packets is not told
	frames     *nftables.Chain
	ipFrames   *nftables.Chain
	ahead      *nftables.Chain
	way        map[string]*nftables.Chain // the others that it leads to, by name
}

// chains puts everything within the table into the connection's batch.
func (a *attachment) chains() error {
	for _, name := range []string{counterQueued, counterPass, counterDrop, counterBlocked, counterSkipped} {
		a.conn.AddObj(&nftables.NamedObj{Table: a.table, Name: name, Type: nftables.ObjTypeCounter, Obj: &expr.Counter{}})
	}
	box := a.conn.AddChain(&nftables.Chain{Name: "box", Table: a.table})
	if a.remembers() {
		if err := a.sets(); err != nil {
			return err
		}
		a.before(box)
		for i := range a.families {
			a.remember(&a.families[i])
		}
	}
	if a.offload {
		a.after()
	}
	a.aheadChains()
	if a.marks() {
		a.portChains()
	}
	a.rule(box, jump(a.ahead.Name))
	if err := a.queued(box); err != nil {
		return err
	}
	pre := a.hook("pre", 0)
	for _, pair := range a.pairs {
		a.rule(pre, metaIs(expr.MetaKeyIIFNAME, named(pair[0])), metaIs(expr.MetaKeyOIFNAME, named(pair[1])), jump(box.Name))
	}
	return nil
}

// remembers tells whether there are sets of flows.
func (a *attachment) remembers() bool { return a.offload || a.skips }

func (a *attachment) sets() error {
	a.pass, a.drop = map[string]*nftables.Set{}, map[string]*nftables.Set{}
	for _, f := range a.families {
		for name, set := range map[string]struct {
			in      map[string]*nftables.Set
			timeout time.Duration
		}{"pass": {a.pass, a.passIdle}, "drop": {a.drop, a.dropFor}} {
			s := &nftables.Set{Table: a.table, ID: setNumber.Add(1), Name: name + f.suffix, KeyType: f.keyType(), Concatenation: true,
				Dynamic: true, HasTimeout: true, Timeout: set.timeout, Size: 2 * a.flows}
			if err := a.conn.AddSet(s, nil); err != nil {
				return fmt.Errorf("nfq: set %s: %w", s.Name, err)
			}
			set.in[f.suffix] = s
		}
	}
	return nil
}

// before looks the flow up in the sets, ahead of the queue. Both entries of a passed flow are renewed by what goes either way, but not by
// bare acknowledgements; from a FIN or RST on they have little time left, so that the set holds few flows that are over.
func (a *attachment) before(box *nftables.Chain) {
	accept, drops := verdict(expr.VerdictAccept), verdict(expr.VerdictDrop)
	for _, f := range a.families {
		known := a.conn.AddChain(&nftables.Chain{Name: "known" + f.suffix, Table: a.table})
		pass, drop := a.pass[f.suffix], a.drop[f.suffix]
		a.rule(known, bareSYN(), f.key(false), dynset(dynsetDelete, pass, 0), dynset(dynsetDelete, drop, 0),
			f.key(true), dynset(dynsetDelete, pass, 0), dynset(dynsetDelete, drop, 0))
		renew := func(timeout time.Duration) []expr.Any {
			return slices.Concat(f.key(false), lookup(pass), count(counterPass), dynset(dynsetUpdate, pass, timeout), f.key(true), dynset(dynsetUpdate, pass, timeout))
		}
		a.rule(known, flags(finRST, 0), renew(a.passIdle/closingPart), accept)
		a.rule(known, flags(0xff, flagACK), f.small(), f.key(false), lookup(pass), count(counterPass), accept)
		a.rule(known, renew(a.passIdle), accept)
		a.rule(known, f.key(false), lookup(drop), count(counterDrop), drops)
		for _, g := range f.guards() {
			a.rule(box, g, jump(known.Name))
		}
	}
}

// closingPart is the part of its idle time that a flow has after a FIN or RST: five seconds of a minute (choice).
const closingPart = 12

// after turns the marks of the engine's verdicts into entries of the sets. A verdict of drop ends a packet's way
// before this chain: a flow is put into @drop by a packet that is accepted, and dropped here.
func (a *attachment) after() {
	post := a.hook("post", 10)
	a.rule(post, []expr.Any{
		&expr.Meta{Key: expr.MetaKeyMARK, Register: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: u32(markPass | markDrop | markThis), Xor: u32(0)},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: u32(0)},
	}, verdict(expr.VerdictAccept))
	a.rule(post, []expr.Any{
		&expr.Meta{Key: expr.MetaKeyMARK, Register: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: u32(^markBits), Xor: u32(0)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: u32(markBase)},
	}, verdict(expr.VerdictAccept))
	for _, f := range a.families {
		for _, g := range f.guards() {
			a.rule(post, markHas(markPass), g, jump(rememberIn(a.pass[f.suffix])))
			a.rule(post, markHas(markDrop), g, jump(rememberIn(a.drop[f.suffix])))
		}
	}
	a.rule(post, markHas(markThis), verdict(expr.VerdictDrop))
}

// remember makes chains that put the packet's flow into the sets.
func (a *attachment) remember(f *family) {
	pass, drop := a.pass[f.suffix], a.drop[f.suffix]
	to := a.chain(rememberIn(pass))
	a.rule(to, f.key(false), dynset(dynsetUpdate, pass, a.passIdle))
	a.rule(to, f.key(true), dynset(dynsetUpdate, pass, a.passIdle))
	to = a.chain(rememberIn(drop)) // add: an entry is not renewed
	a.rule(to, f.key(false), dynset(dynsetAdd, drop, a.dropFor))
	a.rule(to, f.key(true), dynset(dynsetAdd, drop, a.dropFor))
}

func rememberIn(s *nftables.Set) string { return "to_" + s.Name }

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
