package dpi

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

// needDice makes random policies about the ends and payloads of soup. Nothing in them falls by a coin.
type needDice struct{ *rand.Rand }

func oneOf[T any](d needDice, all ...T) T { return all[d.IntN(len(all))] }

func (d needDice) sometimes() bool { return d.IntN(4) == 0 }

func (d needDice) policy() *rules.Policy {
	p := &rules.Policy{Profile: d.profile()}
	for i := range 1 + d.IntN(4) {
		r := rules.Rule{Name: fmt.Sprint("r", i), When: d.condition(), Do: d.do(true)}
		if d.sometimes() {
			r.When = rules.Condition{To: d.prefixes()}
			r.Do = rules.Do{Mechanism: rules.MechanismDrop, Direction: rules.Direction(d.IntN(3))}
		}
		if d.sometimes() {
			r.When.Size = []rules.Range{{Min: d.IntN(2), Max: 300}}
		}
		if d.IntN(2) == 0 {
			r.Unless = append(r.Unless, oneOf(d, rules.Condition{To: d.prefixes()}, d.condition()))
		}
		if d.IntN(6) == 0 {
			r.Chance = rules.Chance{Share: 0.5, Of: oneOf(d, rules.ChanceFlow, rules.ChanceClient, rules.ChancePort)}
		}
		r.Again = d.sometimes() && r.When.SNI != nil
		p.Rules = append(p.Rules, r)
	}
	return p
}

func (d needDice) profile() rules.Profile {
	p := rules.DefaultProfile()
	p.Flows, p.Inspect = 300, rules.Range{Min: 5, Max: 5}
	for _, change := range []func(){
		func() { p.MidStream = rules.MidStream(d.IntN(3)) },
		func() { p.Sees = rules.Direction(d.IntN(3)) },
		func() { p.Originator = !p.Originator },
		func() { p.RemoteSYN = !p.RemoteSYN },
		func() { p.Fooled = rules.Fooled{TTL: d.IntN(2) * 8, Checksum: d.IntN(2) == 0} },
		func() { p.Closed = 3 * time.Second },
		func() { p.HTTPEvery = true },
		func() { p.Miss = rules.Chance{Share: 0.3, Of: rules.ChanceFlow} },
		func() { p.Fragments.Hold, p.Fragments.Inspect = true, d.IntN(2) == 0 },
		func() { p.Reassembly.TCP, p.Reassembly.Records = true, true },
		func() { p.TCPIdle, p.UDPIdle, p.OtherIdle = 4*time.Second, 3*time.Second, 2*time.Second },
	} {
		if d.IntN(5) == 0 {
			change()
		}
	}
	if d.IntN(16) == 0 {
		p.FailClosed, p.Flows = true, 8
	}
	return p
}

func (d needDice) prefixes() (all []string) {
	for range 1 + d.IntN(2) {
		all = append(all, oneOf(d, "203.0.113.0/31", "203.0.113.2/31", "203.0.113.0/30", "203.0.113.1", "203.0.113.3", "2001:db8:1::/64", "198.51.100.53",
			"0.0.0.0/0", "::/0"))
	}
	return all
}

func (d needDice) condition() (c rules.Condition) {
	port := oneOf(d, 443, 80, 53)
	for range d.IntN(4) {
		switch d.IntN(15) {
		case 0, 1, 2:
			c.To = d.prefixes()
		case 3, 4:
			c.Transport = []rules.Transport{rules.Transport(d.IntN(4)), oneOf(d, rules.TransportTCP, rules.TransportUDP)}[d.IntN(2):]
		case 5, 6:
			c.Port = []rules.Range{{Min: d.IntN(2) * port, Max: port}}
		case 7:
			c.SNI = []string{oneOf(d, "blocked.example", "slow.example")}
		case 8:
			c.Host, c.Query = oneOf(d, []string{"blocked.example"}, nil), oneOf(d, nil, nil, []string{"lie.example"})
		case 9:
			c.Protocol = []rules.Protocol{rules.Protocol(d.IntN(16)), oneOf(d, rules.ProtocolTLS, rules.ProtocolDNS, rules.ProtocolNone)}[d.IntN(2):]
		case 10:
			c.Hello, c.Size = []rules.HelloKind{rules.HelloKind(d.IntN(4))}, []rules.Range{{Min: d.IntN(2), Max: 300}}[:d.IntN(2)]
		case 11:
			c.QUIC = []rules.QUICVersion{rules.QUICVersion(d.IntN(2)), rules.QUICOther}[:1+d.IntN(2)]
		case 12:
			c.Trick = []rules.Trick{rules.Trick(d.IntN(rules.TrickCount))}
		case 13:
			ech := d.IntN(2) == 0
			c.ECH = &ech
		case 14:
			c.Opened, c.From = rules.Side(d.IntN(3)), []string{"198.51.100.0/31"}
		}
	}
	return c
}

// do gives a mechanism; the first of a learning one leads to another.
func (d needDice) do(first bool) rules.Do {
	do := rules.Do{Direction: rules.Direction(d.IntN(3)), From: oneOf(d, rules.StartPacket, rules.StartPacket, rules.StartPayload, rules.StartData)}
	unit := rules.Unit(d.IntN(4))
	count := rules.Count{Range: rules.Range{Min: 2, Max: 2}, Unit: unit, Direction: rules.Direction(d.IntN(3))}
	if unit == rules.UnitBytes {
		count.Min, count.Max = 600, 600
	}
	if d.IntN(2) == 0 {
		do.Residual, do.Refresh = 4*time.Second, d.IntN(2) == 0
		do.Hold = rules.Hold(d.IntN(3))
	}
	switch d.IntN(13) {
	case 0, 1:
		return rules.Do{Mechanism: rules.MechanismPass}
	case 2, 3:
		do.Mechanism = rules.MechanismReset
		do.Inject = d.IntN(2) == 0
	case 4:
		do.Mechanism, do.Rate, do.Burst, do.Subscriber = rules.MechanismPolice, 500, 1500, d.IntN(2) == 0
	case 5:
		do.Mechanism = rules.MechanismCapacity
	case 6:
		do = rules.Do{Mechanism: rules.MechanismRedirect, Resolver: []netip.Addr{netip.MustParseAddr("198.51.100.53")}}
	case 7:
		do = rules.Do{Mechanism: rules.MechanismAnswer}
	case 8:
		do = rules.Do{Mechanism: rules.MechanismPage, Page: "http://stub.example/"}
	case 9:
		do = rules.Do{Mechanism: rules.MechanismLimit, Limit: 2, Keys: rules.LimitKey(1 << d.IntN(5)), Window: 5 * time.Second, Ban: 5 * time.Second}
	case 10:
		do = rules.Do{Mechanism: rules.MechanismFreeze, Direction: do.Direction, After: count, Ban: 4 * time.Second, Hold: do.Hold}
	case 11:
		if first {
			then := d.do(false)
			return rules.Do{Mechanism: rules.MechanismLearn, Delay: time.Second, Then: &then}
		}
		fallthrough
	default:
		do.Mechanism = rules.MechanismDrop
		if d.sometimes() {
			do.After, do.From = count, rules.StartPacket
		}
	}
	return do
}

// packet is one of the soup, some of it ICMP, or a question of one client, or from the resolver that questions are sent to.
func (d needDice) packet() (rules.Direction, []byte) {
	client, resolver := netip.MustParseAddrPort("198.51.100.1:4001"), netip.MustParseAddrPort("198.51.100.53:53")
	switch d.IntN(12) {
	case 0:
		return rules.Down, packet.AppendUDP(nil, resolver, client, 60, soup{d.Rand}.payload())
	case 1:
		server := netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(d.IntN(4))}), 53)
		return rules.Up, packet.AppendUDP(nil, client, server, 60, questionOf("lie.example"))
	}
	dir, b := soup{d.Rand}.packet()
	if len(b) > 20 && b[0]>>4 == 4 && d.IntN(16) == 0 {
		b[9] = packet.ICMP
	}
	return dir, b
}

// sieve is a kernel: it decides what a Need leaves to it, and tells whether the engine must be asked.
func sieve(n *rules.Need, p *packet.Packet, err error, dir rules.Direction) (v Verdict, ask, blocked bool) {
	if err != nil && err != packet.ErrTransport {
		return v, n.Everything, false
	}
	if p.Fragment {
		return v, true, false
	}
	k := keyOf(p, dir)
	outside := k.outside.addr()
	in := func(all []netip.Prefix) bool {
		return slices.ContainsFunc(all, func(x netip.Prefix) bool { return x.Contains(outside) })
	}
	for _, b := range n.Blocks {
		if in(b.Prefixes) && (b.Direction == rules.Both || b.Direction == dir) {
			return Verdict{Action: Drop}, false, true
		}
	}
	return v, n.Everything || slices.ContainsFunc(n.Interests, func(x rules.Interest) bool {
		return (x.Transports == 0 || x.Transports&(1<<transportOf(p.Protocol)) != 0) && (x.To == nil || in(x.To)) &&
			(x.Ports == nil || p.HasTransport && slices.ContainsFunc(x.Ports, func(r rules.Range) bool {
				return r.Min <= int(k.outsidePort) && int(k.outsidePort) <= r.Max
			}))
	}), false
}

// cut gives the packet as an engine has it that needs no payload: its headers, and its length.
func cut(p Packet, headers *packet.Packet) Packet {
	end := headers.Transport + 20
	if headers.HasTransport && headers.Protocol == packet.UDP {
		end = headers.Transport + 8
	}
	if headers.Version != 0 && end < len(p.Data) {
		p.Data, p.Length = p.Data[:end], len(p.Data)
	}
	return p
}

// outcome is what became of the packets: those of the box's own, and the verdict on each other one.
type outcome struct {
	verdicts map[uint32]string
	sent     []string
}

func (o *outcome) take(out []Verdict) {
	for _, v := range out {
		if v.Action == Send {
			o.sent = append(o.sent, fmt.Sprintf("%d %x", v.Dir, v.Data))
			continue
		}
		o.verdicts[v.ID] = fmt.Sprintf("%d %x", v.Action, v.Data)
	}
}

// An engine that is given what Need asks for decides as one that is given everything.
func TestNeedIsEnough(t *testing.T) {
	packets, skipped, blocked, dropped, short := 0, 0, 0, 0, 0
	for seed := range uint64(400) {
		d := needDice{rand.New(rand.NewPCG(seed, 11))}
		policy := d.policy()
		c, err := policy.Compile()
		require.NoError(t, err)
		need := c.Need()
		whole, some := New(Options{Policy: c, Seed: seed}), New(Options{Policy: c, Seed: seed})
		want, got := outcome{verdicts: map[uint32]string{}}, outcome{verdicts: map[uint32]string{}}
		now := time.Hour
		for id := range uint32(150) {
			now += time.Duration(d.IntN(300)) * time.Millisecond
			dir, data := d.packet()
			p := Packet{ID: id, Dir: dir, Data: slices.Clone(data)}
			want.take(whole.Handle(now, Packet{ID: id, Dir: dir, Data: data}, nil))
			var headers packet.Packet
			v, ask, block := sieve(&need, &headers, headers.Decode(p.Data), dir)
			packets++
			switch v.ID = id; {
			case ask:
				if !need.Payload {
					p = cut(p, &headers)
					short += min(p.Length, 1)
				}
				got.take(some.Handle(now, p, nil))
			case block:
				blocked++
				fallthrough
			default:
				skipped++
				got.take([]Verdict{v})
			}
		}
		now += time.Minute
		want.take(whole.Advance(now, nil))
		got.take(some.Advance(now, nil))
		require.Equal(t, want, got, "seed %d\nneed %+v\nprofile %+v\nrules %+v", seed, need, policy.Profile, policy.Rules)
		dropped += int(whole.Stats().Dropped)
	}
	t.Logf("%d packets, %d not given, %d blocked, %d cut; %d dropped", packets, skipped, blocked, short, dropped)
	require.Greater(t, skipped, packets/5, "too few left out to say anything")
	require.Greater(t, blocked, packets/50, "too few blocked to say anything")
	require.Greater(t, short, packets/50, "too few cut to say anything")
	require.Greater(t, dropped, packets/10, "too few dropped to say anything")
}
