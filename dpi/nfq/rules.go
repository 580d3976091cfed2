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
	pairs      [][2]int // interfaces in and out, by index, that a packet to be queued crosses
	inside     string   // interfaces, of a bridge or not, that tell a packet's direction
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
	box, unknown := a.chain("box"), a.chain("unknown")
	if a.remembers() {
		if err := a.sets(); err != nil {
			return err
		}
		a.before(box, unknown)
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
	a.rule(box, leap(unknown.Name))
	a.rule(unknown, jump(a.ahead.Name))
	if err := a.queued(unknown); err != nil {
		return err
	}
	pre := a.hook("pre", 0)
	for _, pair := range a.pairs {
		a.rule(pre, metaIs(expr.MetaKeyIIF, u32(uint32(pair[0]))), metaIs(expr.MetaKeyOIF, u32(uint32(pair[1]))), leap(box.Name))
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

// before looks the flow up in the sets, ahead of the queue. Each packet of a connection comes by here, so it is led to what concerns it in few
// steps, and what is in no set goes on to unknown.
func (a *attachment) before(box, unknown *nftables.Chain) {
	drops, on := verdict(expr.VerdictDrop), leap(unknown.Name)
	for _, f := range a.families {
		whole := a.chain("whole" + f.suffix)
		a.rule(box, metaIs(expr.MetaKeyNFPROTO, []byte{f.nfproto}), leap(whole.Name))
		if f.nfproto == unix.NFPROTO_IPV4 {
			a.rule(whole, f.fragment(expr.CmpOpNeq), on)
		}
		pass, drop := a.pass[f.suffix], a.drop[f.suffix]
		for _, t := range []struct {
			name     string
			protocol byte
		}{{"tcp", unix.IPPROTO_TCP}, {"udp", unix.IPPROTO_UDP}} {
			known, passed := a.chain(t.name+f.suffix), a.chain(t.name+f.suffix+"_passed")
			a.rule(whole, f.protocol(expr.CmpOpEq, t.protocol), leap(known.Name))
			if t.protocol == unix.IPPROTO_TCP {
				a.rule(known, bareSYN(), f.key(false), dynset(dynsetDelete, pass, 0), dynset(dynsetDelete, drop, 0),
					f.key(true), dynset(dynsetDelete, pass, 0), dynset(dynsetDelete, drop, 0), on)
			}
			a.rule(known, f.key(false), lookup(pass), count(counterPass), leap(passed.Name))
			a.rule(known, f.key(false), lookup(drop), count(counterDrop), drops)
			a.rule(known, on)
			a.renew(passed, &f, t.protocol)
		}
		a.rule(whole, on)
	}
}

// renew accepts a packet of a passed flow. What carries data renews both entries of the flow, but no more than some of it under load: an entry that
// ends too soon costs one way through the engine, which passes the flow again. Bare acknowledgements renew nothing. From a FIN or
// RST on a flow has little time left, so that the set holds few that are over.
func (a *attachment) renew(c *nftables.Chain, f *family, protocol byte) {
	pass, accept := a.pass[f.suffix], verdict(expr.VerdictAccept)
	both := func(timeout time.Duration) []expr.Any {
		return slices.Concat(f.key(false), dynset(dynsetUpdate, pass, timeout), f.key(true), dynset(dynsetUpdate, pass, timeout))
	}
	if protocol == unix.IPPROTO_TCP {
		a.rule(c, flags(finRST, 0), both(a.passIdle/closingPart), accept)
		a.rule(c, flags(0xff, flagACK), f.small(), accept)
	}
	a.rule(c, []expr.Any{&expr.Limit{Type: expr.LimitTypePkts, Rate: renewals, Unit: expr.LimitTimeSecond, Burst: renewals}}, both(a.passIdle))
	a.rule(c, accept)
}

// renewals are how many packets a second, of a family and protocol, renew their flows (choice: a fiftieth of what one busy flow has).
const renewals = 1000

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
