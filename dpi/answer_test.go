package dpi

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

// ask sends a query and gives the box's answer, or nil.
func (w *wire) ask(name string, qtype uint16) *dns.Msg {
	q := new(dns.Msg).SetQuestion(name, qtype)
	q.SetEdns0(1232, false)
	data, err := q.Pack()
	require.NoError(w.t, err)
	v, sent := w.raw(rules.Up, packet.AppendUDP(nil, w.client, w.server, 64, data))
	if v.Action == Accept {
		require.Empty(w.t, sent)
		return nil
	}
	require.Equal(w.t, Drop, v.Action)
	require.Len(w.t, sent, 1)
	p := sent[0]
	require.Equal(w.t, w.server, netip.AddrPortFrom(packet.AddrOf(p.Src), p.SrcPort), "as from the resolver that was asked")
	require.Equal(w.t, w.client, netip.AddrPortFrom(packet.AddrOf(p.Dst), p.DstPort))
	var m dns.Msg
	require.NoError(w.t, m.Unpack(p.Payload))
	require.Equal(w.t, q.Id, m.Id)
	require.True(w.t, m.Response)
	require.True(w.t, m.RecursionDesired)
	require.Equal(w.t, q.Question, m.Question, "in the case that was asked")
	return &m
}

// B29a, B39: NXDOMAIN, REFUSED and addresses, for the listed names alone; TCP/53 is let be.
func TestAnswer(t *testing.T) {
	box := func(do rules.Do) *wire {
		do.Mechanism = rules.MechanismAnswer
		w := wireOf(t, doing(t, "query: blocked.example, transport: udp", do)).flow()
		w.server = netip.MustParseAddrPort("203.0.113.80:53")
		return w
	}
	w := box(rules.Do{Answer: rules.AnswerNXDomain})
	m := w.ask("bLocked.example.", dns.TypeA)
	require.Equal(t, dns.RcodeNameError, m.Rcode)
	require.Empty(t, m.Answer)
	require.NotNil(t, w.ask("blocked.example.", dns.TypeAAAA), "a second query of the socket")
	require.Nil(t, w.ask("allowed.example.", dns.TypeA), "and one for another name")
	require.Equal(t, Accept, w.udp(rules.Down, answer).Action)
	require.Nil(t, w.flow().ask("allowed.example.", dns.TypeA))

	query, err := new(dns.Msg).SetQuestion("blocked.example.", dns.TypeA).Pack()
	require.NoError(t, err)
	require.Equal(t, Accept, w.connect().up(append([]byte{0, byte(len(query))}, query...)), "TCP/53")

	require.Equal(t, dns.RcodeRefused, box(rules.Do{Answer: rules.AnswerRefused}).ask("blocked.example.", dns.TypeA).Rcode)

	w = box(rules.Do{Answer: rules.AnswerAddress, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("2001:db8::7")}})
	require.Equal(t, "blocked.example.\t60\tIN\tA\t192.0.2.7", w.ask("blocked.example.", dns.TypeA).Answer[0].String())
	require.Equal(t, "blocked.example.\t60\tIN\tAAAA\t2001:db8::7", w.ask("blocked.example.", dns.TypeAAAA).Answer[0].String())
	m = w.ask("blocked.example.", dns.TypeMX)
	require.Equal(t, dns.RcodeSuccess, m.Rcode)
	require.Empty(t, m.Answer)
	w.client, w.server = netip.MustParseAddrPort("[2001:db8::2]:4000"), netip.MustParseAddrPort("[2001:db8:1::53]:53")
	require.NotNil(t, w.ask("blocked.example.", dns.TypeA), "over IPv6")
}

// Whatever DNSQuery takes can be answered, with what others can read.
func FuzzAnswer(f *testing.F) {
	q, _ := new(dns.Msg).SetQuestion(strings.Repeat("a.", 30), dns.TypeA).Pack()
	f.Add(q)
	do := rules.Do{Answer: rules.AnswerAddress, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.7")}}
	e := New(Options{Policy: doing(f, "query: blocked.example", rules.Do{Mechanism: rules.MechanismAnswer})})
	f.Fuzz(func(t *testing.T, query []byte) {
		f := &flow{}
		f.flags |= flagHeld
		e.dir = rules.Up
		e.pkt = packet.Packet{HasTransport: true, Protocol: packet.UDP, Payload: query}
		e.built, e.sends = e.built[:0], e.sends[:0]
		if v := e.answer(f, &do); v.Action != Drop {
			return
		}
		var m dns.Msg
		require.NoError(t, m.Unpack(e.body))
		require.Len(t, m.Question, 1)
	})
}
