package dpi

import (
	"net/netip"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"dpilab/dpi/inspect"
	"dpilab/rules"
)

func requestOf(host string) []byte { return []byte("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n") }

// O193 (HTTP24, P) and NTC1823/68 (C): the first request alone is read, or each that begins a segment.
func TestFurtherRequests(t *testing.T) {
	rule := blocks(rules.Condition{Host: []string{"blocked.example"}})
	first := reads(t, nil, rule).connect()
	require.Equal(t, OffloadPass, first.send(rules.Up, ack, requestOf("allowed.example")).Offload)
	require.Equal(t, Accept, first.up(requestOf("blocked.example")))

	every := func(p *rules.Profile) { p.HTTPEvery = true }
	for _, opening := range [][]byte{requestOf("allowed.example"), append([]byte{0x99}, make([]byte, 200)...)} {
		w := reads(t, every, rule).connect()
		for range 40 {
			require.Equal(t, OffloadNone, w.send(rules.Up, ack, opening).Offload)
			require.Equal(t, Accept, w.down(answer))
		}
		require.Equal(t, Accept, w.up(append([]byte("rest of a body"), requestOf("blocked.example")...)), "not at a segment's start")
		require.Equal(t, Accept, w.down(requestOf("blocked.example")))
		require.Equal(t, Drop, w.up(requestOf("blocked.example")))
	}
	w := reads(t, every, blocks(rules.Condition{SNI: []string{"blocked.example"}})).connect()
	require.Equal(t, OffloadPass, w.send(rules.Up, ack, requestOf("allowed.example")).Offload, "no rule asks for a host")
}

// FOCI26: a rule that is asked again hits a flow that an earlier packet cleared, here on TCP; any other does not.
func TestAskedAgainOnTCP(t *testing.T) {
	again := blocks(rules.Condition{SNI: []string{"again.example"}})
	again.Again = true
	garbage := append([]byte{0x99}, make([]byte, 200)...)
	for _, profile := range []func(*rules.Profile){nil, joinsTCP} {
		w := reads(t, profile, blocks(rules.Condition{SNI: []string{"once.example"}}), again).connect()
		require.Equal(t, Accept, w.up(garbage))
		for range 30 {
			require.Equal(t, Accept, w.up(hello("once.example")))
			require.Equal(t, Accept, w.down(hello("again.example")))
		}
		require.Equal(t, Drop, w.up(hello("again.example")))
	}
	w, h := reads(t, joinsTCP, again).connect(), hello("again.example")
	require.Equal(t, Accept, w.up(garbage))
	require.Equal(t, Accept, w.up(h[:40]))
	require.Equal(t, Drop, w.up(h[40:]), "cut")
	// After a hole that the box never saw filled, reading goes on.
	w.connect()
	require.Equal(t, Accept, w.up(garbage))
	require.Equal(t, Accept, w.up(garbage))
	w.seq[0] += 5000
	require.Equal(t, Accept, w.up(garbage))
	require.Equal(t, Drop, w.up(h))
}

// The same for the queries of a resolver that keeps its port.
func TestAskedAgainOnDNS(t *testing.T) {
	again := blocks(rules.Condition{Query: []string{"again.example"}})
	again.Again = true
	w := reads(t, nil, blocks(rules.Condition{Query: []string{"once.example"}}), again).flow()
	w.server = netip.AddrPortFrom(w.server.Addr(), 53)
	for _, name := range []string{"allowed.example.", "once.example.", "again.example."} {
		query, err := new(dns.Msg).SetQuestion(name, dns.TypeA).Pack()
		require.NoError(t, err)
		require.Equal(t, name == "again.example.", w.udp(rules.Up, query).Action == Drop, name)
	}
}

// While signs may still come, further hellos are read as well, and the signs are seen among them.
func TestAskedAgainWhileSignsArePending(t *testing.T) {
	again := blocks(rules.Condition{SNI: []string{"again.example"}})
	again.Again = true
	sign := blocks(rules.Condition{Payload: []rules.Payload{{Stretches: "0: 73 69 67 6e"}}})
	clean, listed := initialOf("clean.example", inspect.QUICv1), initialOf("again.example", inspect.QUICv1)

	w := reads(t, nil, sign, again).flow()
	require.Equal(t, Accept, w.udp(rules.Up, clean).Action)
	require.Equal(t, Drop, w.udp(rules.Up, listed).Action)

	w = reads(t, nil, sign, again).flow()
	require.Equal(t, Accept, w.udp(rules.Up, clean).Action)
	require.Equal(t, Accept, w.udp(rules.Up, clean).Action)
	require.Equal(t, Drop, w.udp(rules.Down, []byte("sign")).Action)

	// Behind the depth of the profile no sign is looked for; a hello is.
	w = reads(t, nil, sign, again).flow()
	for range 30 {
		require.Equal(t, Accept, w.udp(rules.Up, clean).Action)
	}
	require.Equal(t, Accept, w.udp(rules.Down, []byte("sign")).Action)
	require.Equal(t, Drop, w.udp(rules.Up, listed).Action)

	garbage := append([]byte{0x99}, make([]byte, 200)...)
	w = reads(t, joinsTCP, sign, again).connect()
	require.Equal(t, Accept, w.up(garbage))
	require.Equal(t, Accept, w.down(garbage))
	require.Equal(t, Drop, w.up(hello("again.example")))
}
