package dpi

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

// doing is a box with one rule of these words and this mechanism.
func doing(t testing.TB, when string, do rules.Do, profile ...string) *rules.Compiled {
	t.Helper()
	head := ""
	for _, p := range profile {
		head += p
	}
	file := "policy: test\ndate: 2026-01-01\nabout: test\n" + head + "rules:\n- {rule: one, when: {" + when + "}, do: {drop: both}, source: {ref: choice}}\n"
	p, err := rules.Parse("test.yaml", []byte(file), nil)
	require.NoError(t, err)
	p.Rules[0].Do = do
	c, err := p.Compile()
	require.NoError(t, err)
	return c
}

// wireOf is a wire around a box with this policy.
func wireOf(t *testing.T, c *rules.Compiled) *wire {
	w := newWire(t, passAll)
	return w.with(New(Options{Policy: c, Seed: 1, OnEvent: func(e *Event) { w.events = append(w.events, *e) }}))
}

func (w *wire) with(e *Engine) *wire {
	w.engine = e
	return w
}

// all handles a packet that may bring others: its own verdict comes first.
func (w *wire) all(dir rules.Direction, flags uint8, payload []byte) (Verdict, []packet.Packet) {
	side := sideOf(dir)
	data := packet.AppendTCP(nil, w.client, w.server, w.seq[0], w.seq[1], flags, 61, payload)
	if dir == rules.Down {
		data = packet.AppendTCP(nil, w.server, w.client, w.seq[1], w.seq[0], flags, 53, payload)
	}
	w.seq[side] += uint32(len(payload))
	if flags&(syn|fin) != 0 {
		w.seq[side]++
	}
	return w.raw(dir, data)
}

func (w *wire) raw(dir rules.Direction, data []byte) (Verdict, []packet.Packet) {
	w.out = w.engine.Handle(w.now, Packet{ID: 9, Dir: dir, Data: data}, w.out[:0])
	require.NotEmpty(w.t, w.out)
	require.EqualValues(w.t, 9, w.out[0].ID)
	var sent []packet.Packet
	for _, v := range w.out[1:] {
		require.Equal(w.t, Send, v.Action)
		var p packet.Packet
		require.NoError(w.t, p.Decode(v.Data))
		require.True(w.t, p.ChecksumOK())
		require.Equal(w.t, v.Dir == rules.Down, packet.AddrOf(p.Dst) == w.client.Addr(), "the way it leaves is the way to its end")
		sent = append(sent, p)
	}
	return w.out[0], sent
}

// kinds are the events of a kind.
func (w *wire) kinds(k EventKind) (n int) {
	for _, e := range w.events {
		if e.Kind == k {
			n++
		}
	}
	return n
}

var appData = append([]byte{23, 3, 3, 0, 40}, make([]byte, 40)...)

// B25 (N4P#274): the handshake passes, then two data packets, then nothing either way; B24: 15 of OpenVPN.
func TestDataPacketsThatStillPass(t *testing.T) {
	const name = "sni: blocked.example"
	do := rules.Do{Mechanism: rules.MechanismDrop, After: rules.Count{Range: rules.Range{Min: 2, Max: 2}, Unit: rules.UnitData}}
	w := wireOf(t, doing(t, name, do)).connect()
	require.Equal(t, Accept, w.up(hello("blocked.example")))
	for range 5 { // no data of the protocol
		require.Equal(t, Accept, w.down(hello("x.example")))
		require.Equal(t, Accept, w.up(nil))
	}
	require.Equal(t, Accept, w.up(appData))
	require.Equal(t, Accept, w.down(appData))
	require.Equal(t, Drop, w.down(nil))
	require.Equal(t, Drop, w.up(appData))

	do.After = rules.Count{Range: rules.Range{Min: 3000, Max: 3000}, Unit: rules.UnitBytes, Direction: rules.Down}
	w = wireOf(t, doing(t, name, do)).connect()
	w.up(hello("blocked.example"))
	require.Equal(t, Accept, w.down(answer))
	require.Equal(t, Accept, w.up(append(answer, answer...)), "the other direction does not count")
	require.Equal(t, Accept, w.down(answer))
	require.Equal(t, Drop, w.down(answer), "2400 and 1200 are more than 3000")
	require.Equal(t, Drop, w.down([]byte("x")), "once it is over it is over")
}

// What counts as data is the protocol's; of others it is any payload.
func TestIsData(t *testing.T) {
	dtls := append([]byte{23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 1, 0, 4}, 1, 2, 3, 4)
	wireGuard := append([]byte{4, 0, 0, 0}, make([]byte, 28)...)
	flight := append(append(hello("x.example"), 20, 3, 3, 0, 1, 1), appData...)
	for _, c := range []struct {
		transport rules.Transport
		protocol  rules.Protocol
		payload   []byte
		want      bool
	}{
		{rules.TransportTCP, rules.ProtocolTLS, appData, true},
		{rules.TransportTCP, rules.ProtocolTLS, hello("x.example"), false},
		{rules.TransportTCP, rules.ProtocolTLS, flight, false},
		{rules.TransportTCP, rules.ProtocolTLS, answer, false},
		{rules.TransportUDP, rules.ProtocolDTLS, dtls, true},
		{rules.TransportUDP, rules.ProtocolWireGuard, wireGuard, true},
		{rules.TransportUDP, rules.ProtocolWireGuard, make([]byte, 148), false},
		{rules.TransportUDP, rules.ProtocolOpenVPN, append([]byte{9 << 3}, answer...), true},
		{rules.TransportUDP, rules.ProtocolOpenVPN, append([]byte{7 << 3}, answer...), false},
		{rules.TransportUDP, rules.ProtocolSTUN, answer, true},
		{rules.TransportTCP, rules.ProtocolNone, nil, false},
	} {
		e := New(Options{Policy: policyOf(t, passAll)})
		e.pkt.Payload, e.pkt.PayloadLength = c.payload, len(c.payload)
		transport := map[rules.Transport]uint8{rules.TransportTCP: packet.TCP, rules.TransportUDP: packet.UDP}[c.transport]
		require.Equal(t, c.want, e.isData(&flow{key: key{transport: transport}, facts: facts{Protocol: c.protocol}}), "%v % x", c.protocol, c.payload)
	}
}

// B22 (MTG#547): silence comes at application data. B30 (N4P#516): the SYN passes, the first data dies.
func TestFrom(t *testing.T) {
	do := rules.Do{Mechanism: rules.MechanismDrop, From: rules.StartData}
	w := wireOf(t, doing(t, "sni: blocked.example", do)).connect()
	require.Equal(t, Accept, w.up(hello("blocked.example")))
	require.Equal(t, Accept, w.down(hello("x.example")))
	require.Equal(t, Accept, w.up(nil))
	require.Equal(t, Drop, w.up(appData))
	require.Equal(t, Drop, w.down(nil))

	w = wireOf(t, doing(t, "to: 203.0.113.0/24", rules.Do{Mechanism: rules.MechanismDrop, From: rules.StartPayload})).connect()
	v := w.send(rules.Up, ack, answer)
	require.Equal(t, Drop, v.Action)
	require.Equal(t, OffloadDrop, v.Offload)
	require.Equal(t, Drop, w.down(nil))
	require.Equal(t, Drop, w.handle(rules.Up, icmpEcho()[:20+8]).Action, "ICMP has a payload from the start")
	w.connect()
	require.Equal(t, Drop, w.down(answer), "whoever speaks first")

	// What works one way begins with a packet that goes this way (O212: ZAP-doc, C).
	w = wireOf(t, doing(t, "sni: blocked.example", rules.Do{Mechanism: rules.MechanismReset, From: rules.StartPayload})).connect()
	require.Equal(t, Accept, w.up(hello("blocked.example")))
	require.Equal(t, Accept, w.down(nil))
	require.Equal(t, Accept, w.up(answer))
	require.Equal(t, Rewrite, w.down(answer))
	require.Equal(t, Rewrite, w.down(nil))
	w = wireOf(t, doing(t, "sni: blocked.example",
		rules.Do{Mechanism: rules.MechanismDrop, Direction: rules.Down, From: rules.StartPayload})).connect()
	require.Equal(t, Accept, w.up(hello("blocked.example")))
	require.Equal(t, Accept, w.down(nil))
	require.Equal(t, Drop, w.down(answer))
	require.Equal(t, Accept, w.up(answer))
	require.Equal(t, Drop, w.down(nil))
}

// B32: a direction of its own.
func TestCapacityOneWay(t *testing.T) {
	w := wireOf(t, doing(t, "to: 203.0.113.0/24", rules.Do{Mechanism: rules.MechanismCapacity, Direction: rules.Up, Capacity: 0})).flow()
	require.Equal(t, Drop, w.up(nil))
	require.Equal(t, Accept, w.down(answer))
}

// B19 (N4P#490, DPICH): 25 packets with payload, both directions together, from the flow's first one on, although the rule hits later.
func TestFreeze(t *testing.T) {
	do := rules.Do{Mechanism: rules.MechanismFreeze, After: rules.Count{Range: rules.Range{Min: 25, Max: 25}, Unit: rules.UnitPayload}}
	w := wireOf(t, doing(t, "sni: any.example", do)).connect()
	passed := 0
	for i := range 30 {
		w.up(nil)             // no payload: does not count
		payload := []byte{22} // of a hello that has not ended
		if i == 0 {
			payload = hello("any.example")
		}
		send := w.up
		if i%2 == 1 {
			send = w.down
		}
		if send(payload) == Accept {
			passed++
		}
	}
	require.Equal(t, 25, passed)
	require.Equal(t, 1, w.kinds(EventFreeze))
	w.wait(5 * time.Minute)
	require.Equal(t, Drop, w.down(nil), "waiting does not help")
	w.connect()
	require.Equal(t, Accept, w.up(hello("any.example")), "a new connection starts afresh")

	// The rule hits at the third packet with payload, and the count began with the first.
	do.After = rules.Count{Range: rules.Range{Min: 4, Max: 4}, Unit: rules.UnitPackets, Direction: rules.Up}
	w = wireOf(t, doing(t, "sni: any.example", do)).connect() // two packets up
	require.Equal(t, Accept, w.up([]byte{1, 2, 3}))
	require.Equal(t, Accept, w.up(hello("any.example")))
	require.Equal(t, Drop, w.down(answer), "used up")
	require.Equal(t, Drop, w.up(nil))
}

// What a freeze cannot hit is not counted: flows that are passed, and those under another rule.
func TestFreezeCountsNoOthers(t *testing.T) {
	const policy = "- {rule: a, when: {to: 203.0.113.0/24, port: 80}, do: {drop: up}, source: {ref: choice}}\n" +
		"- {rule: f, when: {to: 203.0.113.0/24, transport: tcp, port: 443}, do: {freeze: both, after: 3 payload packets}, source: {ref: choice}}\n"
	for port, ledgers := range map[uint16]int{443: 1, 80: 0, 22: 0} {
		w := newWire(t, policy)
		w.server = netip.AddrPortFrom(w.server.Addr(), port)
		w.flow().send(rules.Up, syn, nil)
		w.send(rules.Down, syn|ack, nil)
		v := w.send(rules.Up, ack, []byte("payload"))
		require.Equal(t, ledgers, w.engine.ledgers.used, port)
		require.Equal(t, port == 22, v.Offload == OffloadPass, port)
	}
}

// B19: 15 to 20 KB down.
func TestFreezeAfterBytes(t *testing.T) {
	do := rules.Do{Mechanism: rules.MechanismFreeze, After: rules.Count{Range: rules.Range{Min: 15000, Max: 20000}, Unit: rules.UnitBytes, Direction: rules.Down}}
	w := wireOf(t, doing(t, "to: 203.0.113.0/24", do))
	least, most := 1<<30, 0
	for range 64 {
		w.connect()
		n := 0
		for w.down(answer) == Accept {
			n += len(answer)
			require.Equal(t, OffloadNone, w.send(rules.Up, ack, answer).Offload, "the kernel must not hide what is counted")
		}
		least, most = min(least, n), max(most, n)
	}
	require.Greater(t, least, 15000-len(answer))
	require.LessOrEqual(t, most, 20000)
	require.Greater(t, most, 17000)
}

// Of two counts the one that is used up first freezes: bytes in a download, packets where a client writes two bytes at a time (DPICH, C).
func TestFreezeAfterEither(t *testing.T) {
	do := rules.Do{Mechanism: rules.MechanismFreeze, After: rules.Count{Range: rules.Range{Min: 25, Max: 25}, Unit: rules.UnitPayload},
		Or: rules.Count{Range: rules.Range{Min: 16000, Max: 16000}, Unit: rules.UnitBytes, Direction: rules.Down}}
	w := wireOf(t, doing(t, "to: 203.0.113.0/24", do)).connect()
	n := 0
	for w.down(answer) == Accept {
		n++
	}
	require.Equal(t, 16000/len(answer), n)
	w.connect()
	n = 0
	for w.up([]byte{1, 2}) == Accept {
		n++
	}
	require.Equal(t, 25, n)
}

// B19 on UDP (N4P#490): the server is dead for ten minutes, for everyone and at once, and then lives.
func TestFreezeBansTheServer(t *testing.T) {
	do := rules.Do{Mechanism: rules.MechanismFreeze, After: rules.Count{Range: rules.Range{Min: 3, Max: 3}}, Ban: 10 * time.Minute, Hold: rules.HoldServer}
	c := doing(t, "to: 203.0.113.0/24, transport: udp", do)
	w := wireOf(t, c).flow()
	other := wireOf(t, c).flow() // another worker of the same box
	other.engine = New(Options{Policy: c, Shared: w.engine.shared, OnEvent: func(e *Event) { other.events = append(other.events, *e) }})
	open := *w.flow()
	require.Equal(t, Accept, open.udp(rules.Up, answer).Action)
	w.flow()
	for range 3 {
		require.Equal(t, Accept, w.udp(rules.Up, answer).Action)
	}
	v := w.udp(rules.Down, answer)
	require.Equal(t, Drop, v.Action)
	require.Equal(t, OffloadDrop, v.Offload)
	require.Equal(t, 1, w.kinds(EventBan))
	other.now = w.now
	require.Equal(t, Drop, other.flow().udp(rules.Up, answer).Action, "from its first packet on")
	require.True(t, other.events[0].Held)
	require.Equal(t, Drop, w.flow().send(rules.Up, syn, nil).Action, "all that goes there")
	require.Equal(t, Accept, open.udp(rules.Up, answer).Action, "flows that were open are let be")
	for _, x := range []*wire{w, other} {
		x.wait(10*time.Minute - time.Second)
		require.Equal(t, Drop, x.udp(rules.Up, answer).Action)
		x.wait(2 * time.Second)
		require.Equal(t, Accept, x.udp(rules.Up, answer).Action)
	}
}

// B40 with B19: what was learnt may be frozen later, counted from each new flow's first packet.
func TestLearnThenFreeze(t *testing.T) {
	do := rules.Do{Mechanism: rules.MechanismLearn, Delay: time.Minute, Then: &rules.Do{
		Mechanism: rules.MechanismFreeze, After: rules.Count{Range: rules.Range{Min: 4, Max: 4}},
	}}
	w := wireOf(t, doing(t, "to: 203.0.113.0/24", do))
	require.Equal(t, OffloadPass, w.flow().udp(rules.Up, answer).Offload)
	w.wait(time.Minute).flow()
	for range 4 {
		v := w.udp(rules.Up, answer)
		require.Equal(t, Accept, v.Action)
		require.Equal(t, OffloadNone, v.Offload)
	}
	require.Equal(t, Drop, w.udp(rules.Up, answer).Action)
	require.True(t, w.events[len(w.events)-1].Learnt)
}

// Whatever comes, each mechanism answers each packet first, and sends nothing that is no packet.
func FuzzActing(f *testing.F) {
	for i, p := range actPackets(netip.MustParseAddrPort("198.51.100.2:4000")) {
		f.Add(uint8(i), p.Data, p.Dir == rules.Up)
	}
	var boxes []*Engine
	for _, a := range acts {
		boxes = append(boxes, New(Options{Policy: doing(f, a.when, a.do, "profile: {flows: 64}\n")}))
	}
	now := time.Hour
	f.Fuzz(func(t *testing.T, box uint8, data []byte, up bool) {
		now += time.Millisecond
		dir := rules.Down
		if up {
			dir = rules.Up
		}
		for i, v := range boxes[int(box)%len(boxes)].Handle(now, Packet{ID: 3, Dir: dir, Data: data}, nil) {
			require.Equal(t, i > 0, v.Action == Send)
			require.Equal(t, i == 0, v.ID == 3)
			var p packet.Packet
			require.False(t, i > 0 && p.Decode(v.Data) != nil)
		}
	})
}

// B25 (N4P#274): WireGuard's handshake and two packets of data pass. B24: OpenVPN's 15 packets of data, and no more.
func TestTunnelsAreCut(t *testing.T) {
	client := append([]byte{1, 0, 0, 0}, make([]byte, 144)...)
	server := append([]byte{2, 0, 0, 0}, make([]byte, 88)...)
	data := append([]byte{4, 0, 0, 0}, make([]byte, 92)...)
	count := func(n int) rules.Do {
		return rules.Do{Mechanism: rules.MechanismDrop, After: rules.Count{Range: rules.Range{Min: n, Max: n}, Unit: rules.UnitData}}
	}
	w := wireOf(t, doing(t, "protocol: wireguard", count(2))).flow()
	for range 3 { // it is repeated until it is answered
		require.Equal(t, Accept, w.udp(rules.Up, client).Action)
	}
	require.Equal(t, Accept, w.udp(rules.Down, server).Action)
	require.Equal(t, Accept, w.udp(rules.Up, data).Action)
	require.Equal(t, Accept, w.udp(rules.Down, data).Action)
	require.Equal(t, Drop, w.udp(rules.Up, data).Action)
	require.Equal(t, Drop, w.udp(rules.Up, client).Action)

	w = wireOf(t, doing(t, "protocol: openvpn", count(15))).flow()
	reset := append([]byte{7 << 3, 1, 2, 3, 4, 5, 6, 7, 8}, 0, 0, 0, 0, 0)
	w.udp(rules.Up, reset)
	require.Equal(t, 1, w.kinds(EventHit))
	for i := range 20 {
		require.Equal(t, Accept == w.udp(rules.Up, append([]byte{9 << 3}, answer...)).Action, i < 15)
	}
}
