package dpi

import (
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

// B05 (IMC21): what passes is never more than rate times time and the burst, in each direction by itself, and a sender
// below the rate loses nothing.
func TestPolice(t *testing.T) {
	const policy = "- {rule: slow, when: {sni: slow.example}, do: {police: 140kbit, burst: 16KB}, source: {ref: IMC21, confidence: P}}\n"
	w := newWire(t, policy).connect()
	w.up(hello("slow.example"))
	start, passed := w.now, [2]int{}
	for range 20_000 {
		w.wait(time.Millisecond)
		for side, send := range []func([]byte) Action{w.up, w.down} {
			if send(answer) == Accept {
				passed[side] += len(answer) + 40
			}
		}
		for _, n := range passed {
			require.LessOrEqual(t, float64(n), (w.now-start).Seconds()*17500+16000+1)
		}
	}
	for _, n := range passed {
		require.InEpsilon(t, 20*17500+16000, n, 0.01)
	}

	w.connect()
	w.up(hello("slow.example"))
	for range 100 {
		w.wait(time.Second)
		for range 12 { // 12 x 1240 bytes a second: below 17,500, and within the burst
			require.Equal(t, Accept, w.down(answer))
		}
	}
}

// B32 (TDOC): capacity 30 lets 30 of 100 packets through, each way, seeded.
func TestCapacity(t *testing.T) {
	const policy = "- {rule: calls, when: {protocol: stun}, do: {capacity: 30}, source: {ref: TDOC, confidence: D}}\n"
	run := func() (passed [2]int) {
		w := newWire(t, policy).flow()
		w.server = netip.MustParseAddrPort("203.0.113.2:3478")
		stun := append([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}, make([]byte, 12)...)
		w.udp(rules.Up, stun)
		for range 5000 {
			for side, dir := range []rules.Direction{rules.Up, rules.Down} {
				if w.udp(dir, answer).Action == Accept {
					passed[side]++
				}
			}
		}
		return passed
	}
	passed := run()
	require.InDelta(t, 1500, passed[0], 150)
	require.InDelta(t, 1500, passed[1], 150)
	require.Equal(t, passed, run(), "the same seed gives the same verdicts")
}

// B08 (IMC22): an address is dead for all protocols and both directions; B09: for TCP alone.
func TestAddressBlock(t *testing.T) {
	all := newWire(t, "- {rule: ip, when: {to: 203.0.113.0/27}, do: {drop: both}, source: {ref: IMC22, confidence: P}}\n").flow()
	require.Equal(t, Drop, all.send(rules.Up, syn, nil).Action)
	require.Equal(t, Drop, all.udp(rules.Up, answer).Action)
	require.Equal(t, Drop, all.flow().udp(rules.Down, answer).Action, "opened from outside as well")
	require.Equal(t, Drop, all.handle(rules.Up, icmpEcho()).Action)
	all.server = netip.MustParseAddrPort("203.0.113.34:443")
	require.Equal(t, Accept, all.flow().send(rules.Up, syn, nil).Action)

	tcp := newWire(t, "- {rule: ip, when: {to: 203.0.113.0/27, transport: tcp}, do: {drop: both}, source: {ref: 'N4P#671', confidence: A}}\n").flow()
	require.Equal(t, Drop, tcp.send(rules.Up, syn, nil).Action)
	require.Equal(t, Accept, tcp.udp(rules.Up, answer).Action)
	require.Equal(t, Accept, tcp.handle(rules.Up, icmpEcho()).Action)
}

func icmpEcho() []byte {
	b := packet.AppendUDP(nil, netip.MustParseAddrPort("198.51.100.2:8"), netip.MustParseAddrPort("203.0.113.2:0"), 64, nil)
	b[9] = 1
	return b
}

// B44 (YTU#332): the first packet of a flow to Meta decides, and an allowed name in it opens the way.
func TestAllowedNameInTheFirstPacket(t *testing.T) {
	const policy = "- {rule: meta, when: {to: 203.0.113.0/27}, unless: {sni: allowed.example}, do: {drop: both}, source: {ref: 'YTU#332', confidence: C}}\n"
	w := newWire(t, policy)
	require.Equal(t, Accept, w.connect().up(hello("allowed.example")))
	require.Equal(t, Accept, w.down(answer))
	require.Equal(t, Drop, w.connect().up(hello("other.example")))
	require.Equal(t, Drop, w.connect().up([]byte("WA\x06\x03 and a key")))
	require.Equal(t, Drop, w.connect().up([]byte{0x99, 1, 2}))
	require.Equal(t, Drop, w.flow().udp(rules.Up, answer).Action)
	require.Equal(t, Drop, w.handle(rules.Up, icmpEcho()).Action)
}

// B40 (TDOC): the server lives until it is learnt; then new flows die, and the one that is open goes on (B38).
func TestLearnThenBlock(t *testing.T) {
	const policy = "- {rule: proxy, when: {protocol: whatsapp}, do: {learn: server port, after: 10m, then: {drop: both}}, source: {ref: TDOC, confidence: D}}\n"
	w := newWire(t, policy)
	w.server = netip.MustParseAddrPort("203.0.113.50:8222")
	w.connect()
	require.Equal(t, Accept, w.up([]byte("WA\x06\x03 and a key")))
	old := *w
	w.wait(9 * time.Minute)
	require.Equal(t, Accept, w.down(answer))
	w.connect()
	require.Equal(t, Accept, w.up([]byte("WA\x06\x03 and a key")))
	w.wait(61 * time.Second).flow()
	require.Equal(t, Drop, w.send(rules.Up, syn, nil).Action)
	require.True(t, w.events[len(w.events)-1].Learnt)
	w.server = netip.MustParseAddrPort("203.0.113.50:22")
	require.Equal(t, Accept, w.flow().send(rules.Up, syn, nil).Action, "another port lives")
	old.now = w.now
	require.Equal(t, Accept, old.up(answer))
}

// B29b (N4P#657): queries over UDP go to the national resolver and come back as from the public one; TCP/53 and what is no
// DNS do not.
func TestRedirect(t *testing.T) {
	const policy = "- {rule: dns, when: {to: 203.0.113.80, transport: udp, port: 53, protocol: dns}, do: {redirect: [192.0.2.53, '2001:db8::53']}, source: {ref: 'N4P#657', confidence: C}}\n"
	w := newWire(t, policy).flow()
	public, national := netip.MustParseAddrPort("203.0.113.80:53"), netip.MustParseAddrPort("192.0.2.53:53")
	w.server = public
	query, err := new(dns.Msg).SetQuestion("whatsapp.com.", dns.TypeA).Pack()
	require.NoError(t, err)
	v := w.udp(rules.Up, query)
	require.Equal(t, Rewrite, v.Action)
	var p packet.Packet
	require.NoError(t, p.Decode(v.Data))
	require.Equal(t, national.Addr(), packet.AddrOf(p.Dst))
	require.True(t, p.ChecksumOK())
	require.Equal(t, query, p.Payload)

	w.server = national
	v = w.udp(rules.Down, query)
	require.Equal(t, Rewrite, v.Action)
	require.NoError(t, p.Decode(v.Data))
	require.Equal(t, public.Addr(), packet.AddrOf(p.Src))
	require.True(t, p.ChecksumOK())

	w.server = public
	require.Equal(t, Accept, w.udp(rules.Up, answer).Action, "no DNS on the redirected flow")
	require.Equal(t, Accept, w.flow().udp(rules.Up, answer).Action)
	require.Equal(t, Accept, w.connect().up(append([]byte{0, byte(len(query))}, query...)), "TCP/53")
}

// B38 (TDOC): a reload is for new flows.
func TestReload(t *testing.T) {
	w := newWire(t, sni4).connect()
	old := *w
	w.engine.SetPolicy(policyOf(t, "- {rule: ip, when: {to: 203.0.113.0/27}, do: {drop: both}, source: {ref: choice}}\n"))
	require.Equal(t, Drop, w.flow().send(rules.Up, syn, nil).Action)
	require.Equal(t, Drop, old.up(hello("blocked.example")), "by the old policy")
	require.Equal(t, "sni4", old.engine.policies[0].compiled.Rules[0].Name)
}

// HTTP24: the Host of the first request in the first segment.
func TestHTTPHost(t *testing.T) {
	const policy = "- {rule: host, when: {host: blocked.example}, do: {drop: both}, source: {ref: HTTP24, confidence: P}}\n"
	request := func(host string) []byte { return []byte("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n") }
	w := newWire(t, policy).connect()
	require.Equal(t, Drop, w.up(request("blocked.example")))
	w.connect()
	require.Equal(t, Accept, w.up(request("allowed.example")))
	require.Equal(t, Accept, w.up(request("blocked.example")), "a second request")
	w.connect()
	require.Equal(t, Accept, w.up(request("blocked.example")[:8]))
	require.Equal(t, Accept, w.up(request("blocked.example")[8:]), "not in the first segment")
}
