package dpi

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

// soup makes packets of all kinds between a few ends, most of them about something, some of them broken.
type soup struct{ r *rand.Rand }

func (s soup) pick(all ...[]byte) []byte { return all[s.r.IntN(len(all))] }

func (s soup) payload() []byte {
	h := hello([]string{"blocked.example", "allowed.example", "slow.example"}[s.r.IntN(3)])
	cut := s.r.IntN(len(h))
	return s.pick(nil, nil, h, h[:cut], h[cut:], requestOf("blocked.example"), initialOf("blocked.example", 1), answer,
		requestOf("stub.example"), questionOf("lie.example"), questionOf("other.example"), []byte{5, 1, 0},
		[]byte{23, 3, 3, 0, 2, 1, 2}, append([]byte{0x99}, make([]byte, cut)...))
}

func (s soup) packet() (rules.Direction, []byte) {
	inside := netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(s.r.IntN(4))}), uint16(4000+s.r.IntN(8)))
	outside := netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(s.r.IntN(4))}), []uint16{443, 80, 53}[s.r.IntN(3)])
	if s.r.IntN(4) == 0 {
		inside = netip.AddrPortFrom(netip.MustParseAddr("2001:db8::2"), inside.Port())
		outside = netip.AddrPortFrom(netip.MustParseAddr("2001:db8:1::2"), outside.Port())
	}
	dir, src, dst := rules.Up, inside, outside
	if s.r.IntN(2) == 0 {
		dir, src, dst = rules.Down, outside, inside
	}
	ttl := uint8(s.r.IntN(70))
	var b []byte
	if s.r.IntN(3) == 0 {
		b = packet.AppendUDP(nil, src, dst, ttl, s.payload())
	} else {
		flags := []uint8{ack, ack, ack, syn, syn | ack, fin | ack, rst, uint8(s.r.IntN(256))}[s.r.IntN(8)]
		seq := uint32(1000 + s.r.IntN(400))
		if s.r.IntN(8) == 0 {
			seq = s.r.Uint32()
		}
		options := s.pick(nil, nil, stamp(s.r.Uint32N(50)), signature, []byte{3, 3, 7, 1}, []byte{8, 0, 1, 19})
		b = packet.AppendTCP(nil, src, dst, seq, 1000+s.r.Uint32N(400), flags, ttl, append(append([]byte(nil), options...), s.payload()...))
		if b[0]>>4 == 4 {
			b[32] += byte(len(options) / 4 << 4)
			if s.r.IntN(2) == 0 {
				b = sealed(b, 36, segment{id: uint16(s.r.IntN(5))})
			}
		}
	}
	switch s.r.IntN(8) {
	case 0:
		// A part of the smallest packets has room for one only.
		parts := fragmented(append(b, make([]byte, 64)...), 1+s.r.IntN(4), s.r.Uint32N(6), ttl)
		b = parts[s.r.IntN(len(parts))]
	case 1:
		b[s.r.IntN(len(b))] ^= byte(1 + s.r.IntN(255))
	case 2:
		b = b[:s.r.IntN(len(b))]
	}
	return dir, b
}

// questionOf is a DNS query for an address.
func questionOf(name string) []byte {
	m := new(dns.Msg).SetQuestion(name+".", dns.TypeA)
	m.Id = 7
	q, _ := m.Pack()
	return q
}

// soupPolicies are switches that differ most, each with every mechanism that leaves something behind.
func soupPolicies(t testing.TB) map[string]*rules.Compiled {
	all := map[string]*rules.Compiled{}
	for name, change := range map[string]func(*rules.Profile){
		"plain": func(*rules.Profile) {},
		"wary": func(p *rules.Profile) {
			p.Fooled, p.Closed, p.Reassembly.TCP, p.Reassembly.Records = rules.Fooled{TTL: 8}, 7*time.Second, true, true
		},
		"fragments": func(p *rules.Profile) { p.Fragments.Hold, p.Fragments.Inspect = true, true },
		"strict":    func(p *rules.Profile) { p.MidStream, p.FailClosed, p.RemoteSYN = rules.MidStreamDrops, true, false },
		"evicts": func(p *rules.Profile) {
			p.Full, p.Flows, p.Fooled.Sequence, p.Reassembly.TCP, p.Reassembly.Records = rules.FullEvicts, 8, false, true, true
		},
		"up":      func(p *rules.Profile) { p.Sees, p.MidStream, p.Originator = rules.Up, rules.MidStreamPasses, false },
		"chances": func(p *rules.Profile) { p.Miss, p.Fragments.Hold, p.HTTPEvery = rules.Chance{Share: 0.3}, true, true },
	} {
		p := rules.Policy{Profile: rules.DefaultProfile(), Rules: soupRules()}
		p.Profile.Flows, p.Profile.Fragments.Sets = 40, 5
		change(&p.Profile)
		c, err := p.Compile()
		require.NoError(t, err)
		all[name] = c
	}
	return all
}

func soupRules() []rules.Rule {
	rule := func(when rules.Condition, do rules.Do) rules.Rule {
		return rules.Rule{Name: fmt.Sprint(do.Mechanism), When: when, Do: do, Source: rules.Source{Ref: "choice"}}
	}
	tricky := rule(rules.Condition{Trick: []rules.Trick{rules.TrickID, rules.TrickWindow, rules.TrickFake}, Port: []rules.Range{{Min: 443, Max: 443}}},
		rules.Do{Mechanism: rules.MechanismReset, Residual: 30 * time.Second})
	tricky.Chance = rules.Chance{Share: 0.5}
	return []rules.Rule{
		tricky,
		rule(rules.Condition{SNI: []string{"blocked.example"}, Transport: []rules.Transport{rules.TransportUDP}},
			rules.Do{Mechanism: rules.MechanismDrop, Residual: time.Minute, Hold: rules.HoldPair, Refresh: true}),
		rule(rules.Condition{SNI: []string{"blocked.example"}}, rules.Do{Mechanism: rules.MechanismDrop, Direction: rules.Up,
			After: rules.Count{Range: rules.Range{Min: 1, Max: 5}}, Residual: 20 * time.Second}),
		rule(rules.Condition{SNI: []string{"slow.example"}}, rules.Do{Mechanism: rules.MechanismPolice, Rate: 1000, Burst: 3000, Subscriber: true}),
		rule(rules.Condition{Host: []string{"blocked.example"}}, rules.Do{Mechanism: rules.MechanismLimit, Limit: 2, Keys: rules.LimitClient,
			Window: 10 * time.Second, Ban: 10 * time.Second}),
		rule(rules.Condition{Host: []string{"stub.example"}}, rules.Do{Mechanism: rules.MechanismPage, Page: "http://stub.example/"}),
		rule(rules.Condition{Query: []string{"lie.example"}}, rules.Do{Mechanism: rules.MechanismAnswer}),
		rule(rules.Condition{Protocol: []rules.Protocol{rules.ProtocolDNS}}, rules.Do{Mechanism: rules.MechanismRedirect,
			Resolver: []netip.Addr{netip.MustParseAddr("198.51.100.53")}}),
		rule(rules.Condition{Protocol: []rules.Protocol{rules.ProtocolSOCKS}}, rules.Do{Mechanism: rules.MechanismLearn, Delay: time.Minute,
			Then: &rules.Do{Mechanism: rules.MechanismDrop}}),
		rule(rules.Condition{To: []string{"203.0.113.2/32"}, Transport: []rules.Transport{rules.TransportUDP}}, rules.Do{Mechanism: rules.MechanismFreeze,
			After: rules.Count{Range: rules.Range{Min: 2, Max: 4}, Unit: rules.UnitPayload}, Ban: 20 * time.Second, Hold: rules.HoldServer}),
		rule(rules.Condition{To: []string{"203.0.113.3/32"}}, rules.Do{Mechanism: rules.MechanismCapacity, Capacity: 50}),
	}
}

// The same seed and the same packets give the same verdicts, to the byte, whatever is sent.
func TestSoupIsTheSameTwice(t *testing.T) {
	for name, c := range soupPolicies(t) {
		run := func() (all []byte) {
			e, s := New(Options{Policy: c, Seed: 5}), soup{rand.New(rand.NewPCG(7, 8))}
			now := time.Hour
			for id := range uint32(6000) {
				now += time.Duration(s.r.IntN(400)) * time.Millisecond
				dir, data := s.packet()
				out := e.Handle(now, Packet{ID: id, Dir: dir, Data: data}, nil)
				if s.r.IntN(50) == 0 {
					out = e.Advance(now, out)
				}
				for _, v := range out {
					all = binary.BigEndian.AppendUint32(all, v.ID)
					all = append(all, byte(v.Action), byte(v.Offload), byte(v.Dir))
					all = append(all, v.Data...)
				}
			}
			return append(all, fmt.Sprint(e.Stats())...)
		}
		first := run()
		require.Equal(t, first, run(), name)
	}
}

// Whatever is sent: each packet gets one verdict in the end, nothing that is kept grows beyond what the profile states, every flow
// that is remembered has time left or is about to be forgotten, and nothing outlives its time.
func TestSoupIsForgotten(t *testing.T) {
	for name, c := range soupPolicies(t) {
		e, s := New(Options{Policy: c, Seed: 5}), soup{rand.New(rand.NewPCG(9, 10))}
		limit := &c.Profile
		now, open := time.Hour, map[uint32]bool{}
		settle := func(out []Verdict) {
			for _, v := range out {
				require.True(t, v.Action == Send || open[v.ID], name)
				if v.Action != Send {
					delete(open, v.ID)
				}
			}
		}
		for id := range uint32(6000) {
			now += time.Duration(s.r.IntN(400)) * time.Millisecond
			dir, data := s.packet()
			open[id] = true
			settle(e.Handle(now, Packet{ID: id, Dir: dir, Data: data}, nil))
			if id%64 == 0 {
				requireBounded(t, e, limit, name)
			}
		}
		requireBounded(t, e, limit, name)
		require.LessOrEqual(t, len(open), limit.Fragments.Sets*limit.Fragments.Max)
		// The longest that anything lasts, and the time that one packet has for what is over.
		now += 11 * time.Minute
		for range 3 {
			now += time.Second
			settle(e.Advance(now, nil))
		}
		require.Empty(t, open, name)
		require.Empty(t, e.fragments.sets, name)
		require.Zero(t, e.Stats().Open, name)
		require.Equal(t, [3]int{}, [3]int{e.beliefs.used, e.readings.used, e.ledgers.used}, name)
		for i := range e.policies {
			require.Zero(t, e.policies[i].flows)
		}
		for _, r := range []*register{&e.shared.holds, &e.shared.limits, &e.shared.subscribers} {
			for _, x := range r.m {
				require.True(t, x.idle(now), name)
			}
			r.sweep(now, maxShared)
			require.Empty(t, r.m, name)
		}
		now += lessonLife
		e.shared.learnt.sweep(now, maxShared)
		require.Empty(t, e.shared.learnt.m, name)
		e.shared.redirects.sweep(now, maxShared)
		require.Empty(t, e.shared.redirects.m, name)
	}
}

func requireBounded(t testing.TB, e *Engine, limit *rules.Profile, name string) {
	require.LessOrEqual(t, e.Stats().Open, limit.Flows, name)
	require.LessOrEqual(t, len(e.fragments.sets), limit.Fragments.Sets, name)
	require.LessOrEqual(t, len(e.fragments.queue)+len(e.fragments.idle), 3*limit.Fragments.Sets, name)
	require.LessOrEqual(t, e.beliefs.used, e.Stats().Open, name)
	require.LessOrEqual(t, e.readings.used, min(e.Stats().Open, maxReadings), name)
	require.LessOrEqual(t, e.ledgers.used, e.Stats().Open, name)
	for _, chunk := range e.flows.chunks {
		for i := range chunk {
			f := &chunk[i]
			if f.belief != none {
				require.True(t, f.rule == noRule && !f.is(flagPassed), "%s: a decided flow is weighed by nothing", name)
			}
		}
	}
}
