package dpi

import (
	"math/rand/v2"
	"sync/atomic"
	"time"

	"dpilab/dpi/inspect"
	"dpilab/dpi/packet"
	"dpilab/rules"
)

// Options are what an Engine is made of. Policy is required.
type Options struct {
	Policy  *rules.Compiled
	Seed    uint64       // the box's, of every chance that the policy takes; the same seed and packets give the same verdicts
	Worker  int          // tells the engines of one box apart: their coins fall differently, their hashes are alike
	Shared  *Shared      // what engines of one box tell each other; nil: an Engine of its own
	OnEvent func(*Event) // called in the goroutine of Handle; nil: no events
}

// Engine is the box. It belongs to one goroutine; SetPolicy alone may be called from any.
type Engine struct {
	wanted  atomic.Pointer[rules.Compiled]
	shared  *Shared
	onEvent func(*Event)

	policies  []generation
	current   uint16 // the policy of new flows
	flows     table
	readings  readings
	fragments fragments
	ledgers   pool[ledger]
	beliefs   pool[belief]
	random    *rand.Rand
	salt      uint64 // of chances that are hashes
	stats     Stats

	// The packet at hand.
	now         time.Duration
	dir         rules.Direction
	pkt         packet.Packet
	key         key
	doubted     bool // no server accepts it, and the box does not fall for it
	asked       rules.Facts
	tls         inspect.TLS
	certificate inspect.Certificate
	fingerprint [36]byte
	name        []byte // what it showed, for events and limits
	ja4         []byte // the fingerprint that it showed, as text; only where a rule counts by it
	dns         [256]byte

	// Packets of the box's own.
	sends []Verdict // that go with the packet at hand
	built []byte    // bytes of those of this call
	body  []byte    // payload of one that is being built
}

// Stats counts what an Engine did since it was made.
type Stats struct {
	Packets   uint64 // handled
	Malformed uint64 // of these, with broken headers: those without readable addresses pass
	Unseen    uint64 // passed, or dropped where the profile says so, because the flow table was full
	Evicted   uint64 // flows that gave way to others because it was
	Accepted  uint64
	Dropped   uint64
	Rewritten uint64
	Sent      uint64 // packets of its own
	Opened    uint64 // flows
	Hit       uint64 // flows that a rule hit
	Open      int    // flows remembered now
}

// Add adds the counters of another engine.
func (s *Stats) Add(o Stats) {
	s.Packets += o.Packets
	s.Malformed += o.Malformed
	s.Unseen += o.Unseen
	s.Evicted += o.Evicted
	s.Accepted += o.Accepted
	s.Dropped += o.Dropped
	s.Rewritten += o.Rewritten
	s.Sent += o.Sent
	s.Opened += o.Opened
	s.Hit += o.Hit
	s.Open += o.Open
}

// The flows that one packet, or one call of Advance, may find to be forgotten: some microseconds, and some hundreds of them.
const (
	expiryBudget  = 16
	advanceBudget = 1024
)

// New gives an Engine with an empty flow table of the size that the policy's profile states.
func New(o Options) *Engine {
	if o.Shared == nil {
		o.Shared = NewShared()
	}
	e := &Engine{
		shared:  o.Shared,
		onEvent: o.OnEvent,
		flows:   newTable(o.Policy.Profile.Flows, rand.Uint64()),
		random:  rand.New(rand.NewPCG(o.Seed, 0x64706921+uint64(o.Worker))),
		salt:    saltOf(o.Seed),
	}
	e.SetPolicy(o.Policy)
	e.policies = []generation{newGeneration(o.Policy)}
	return e
}

// SetPolicy makes c the policy of flows that open from now on; open flows keep the one they have (TDOC, D: existing sessions
// survive an update of the lists). Any goroutine. The size of the flow table stays.
func (e *Engine) SetPolicy(c *rules.Compiled) { e.wanted.Store(c) }

// Stats gives the counters. Same goroutine as Handle.
func (e *Engine) Stats() Stats {
	s := e.stats
	s.Open = e.flows.used
	return s
}

// Advance lets time pass without a packet: flows whose time is over are forgotten, a bounded number at a call, so that no packet waits for
// a crowd.
func (e *Engine) Advance(now time.Duration, out []Verdict) []Verdict {
	e.now = max(e.now, now)
	e.flows.expire(e.now, advanceBudget, e.forget)
	return e.expireFragments(out)
}

// Handle decides one packet at box's time now, which never goes back, and appends the verdicts to out.
func (e *Engine) Handle(now time.Duration, p Packet, out []Verdict) []Verdict {
	e.now, e.dir, e.name, e.ja4 = max(e.now, now), p.Dir, nil, nil
	e.built = e.built[:0]
	if e.flows.wheel.turns(e.now) {
		e.flows.expire(e.now, expiryBudget, e.forget)
	}
	out = e.expireFragments(out)
	e.stats.Packets++
	if !e.sees(p.Dir) {
		return e.settle(p.ID, fate{}, out)
	}
	if !e.decode(p) {
		return e.settle(p.ID, fate{}, out)
	}
	if e.holds() {
		return e.fragment(p.ID, out)
	}
	out = e.settle(p.ID, e.decide(), out)
	if len(e.sends) > 0 {
		out = e.takeSends(out)
	}
	return out
}

// settle counts the fate of the packet with this ID and gives it out.
func (e *Engine) settle(id uint32, v fate, out []Verdict) []Verdict {
	switch v.Action {
	case Drop:
		e.stats.Dropped++
	case Rewrite:
		e.stats.Rewritten++
	default:
		e.stats.Accepted++
	}
	return append(out, Verdict{ID: id, Action: v.Action, Offload: v.Offload, Data: v.Data})
}

// decode reads the headers of the packet at hand; false without readable addresses.
func (e *Engine) decode(p Packet) bool {
	switch e.pkt.DecodeCut(p.Data, p.Length) {
	case nil:
		return true
	case packet.ErrTransport:
		e.stats.Malformed++ // the addresses are known, and rules about them hold
		return true
	}
	e.stats.Malformed++
	return false
}

// decide gives the fate of the packet at hand.
func (e *Engine) decide() fate {
	p := &e.pkt
	if p.Fragment || !p.HasTransport {
		// Only the first fragment shows ports: so that a set of them is one flow, none of them has any.
		p.SrcPort, p.DstPort = 0, 0
	}
	if v, ok := e.restore(); ok {
		return v
	}
	f := e.flow()
	if f == nil {
		e.stats.Unseen++
		if e.policies[e.current].compiled.Profile.LosesUnseen() {
			return fate{Action: Drop}
		}
		return fate{}
	}
	f.packets++
	f.ttl[sideOf(e.dir)] = p.TTL
	if f.state == tcpRefused {
		e.touch(f)
		return e.dropped(f)
	}
	deciding := f.rule == noRule && !f.is(flagPassed)
	e.doubted = false
	if deciding {
		e.look(f)
	}
	e.follow(f)
	if e.policies[f.policy].freezes && e.mayFreeze(f) {
		e.count(f)
	}
	if deciding && e.policies[f.policy].names {
		e.noteNames(f)
	}
	if f.rule != noRule {
		return e.offloads(f, e.act(f, deciding))
	}
	e.touch(f)
	if f.is(flagPassed) {
		return e.offloads(f, fate{Offload: OffloadPass})
	}
	return fate{}
}

// offloads takes back from a verdict what the kernel must not do: keep a flow whose next packets the engine must see, to know in time
// that it is over, or that it goes on, or that a further SYN is none that is sent again; and drop what the box does not see.
func (e *Engine) offloads(f *flow, v fate) fate {
	g := &e.policies[f.policy]
	if f.state != tcpOpen || v.Offload == OffloadPass && g.unsaid || v.Offload == OffloadDrop && g.oneWay {
		v.Offload = OffloadNone
	}
	return v
}

// flow finds the packet's flow or opens it; nil when the table is full.
func (e *Engine) flow() *flow {
	k := &e.key
	k.read(&e.pkt, e.dir)
	h := e.flows.hash(k)
	i := e.flows.find(k, h)
	if i == none {
		if i = e.flows.open(k, h, e.now+time.Second); i == none {
			if i = e.evict(k, h); i == none {
				return nil
			}
		}
		f := e.flows.at(i)
		e.begin(f)
		return f
	}
	f := e.flows.at(i)
	if e.now >= f.expires || e.startsOver(f) {
		e.forget(f)
		*f = flow{key: f.key, slot: f.slot, expires: e.now + time.Second}
		e.begin(f)
	}
	return f
}
