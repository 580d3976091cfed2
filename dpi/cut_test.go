package dpi

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

// headless rules read no payload: addresses, ports, sizes and counts are all they ask for.
const headless = `
profile: {flows: 300, idle: {tcp: 60s}, inspect: {packets: 1000}}
---
- {rule: sized, when: {size: 200..400, transport: udp}, do: {drop: both, after: 2000B..4000B, residual: 20s}, source: {ref: choice}}
- {rule: frozen, when: {to: 203.0.113.0/32}, do: {freeze: both, after: 6 payload packets or 3KB down, ban: 10s, hold: server}, source: {ref: choice}}
- {rule: policed, when: {to: 203.0.113.1/32}, do: {police: 20kbit, burst: 3000B}, source: {ref: choice}}
- {rule: reset, when: {to: 203.0.113.2/32, transport: tcp}, do: {reset: server packet, residual: 30s}, source: {ref: choice}}
- {rule: resets, when: {to: "2001:db8:1::/48", transport: tcp}, do: {reset: both ends}, source: {ref: choice}}
- {rule: begun, when: {port: 80}, do: {drop: up, from: payload, residual: 10s}, source: {ref: choice}}
`

// Packets that are cut behind their headers get the verdicts of whole ones, and their resets to the byte, under rules that read no
// payload.
func TestCutPacketsGetTheSameVerdicts(t *testing.T) {
	var seen [Send + 1]int
	var events [2][]Event
	engineOf := func(i int) *Engine {
		return New(Options{Policy: policyOf(t, headless), Seed: 5, OnEvent: func(e *Event) {
			x := *e
			x.Rule = nil
			events[i] = append(events[i], x)
		}})
	}
	whole, cut := engineOf(0), engineOf(1)
	s, now := soup{rand.New(rand.NewPCG(9, 10))}, time.Hour
	for id := range uint32(8000) {
		now += time.Duration(s.r.IntN(100)) * time.Millisecond
		dir, data := s.packet()
		head := append([]byte(nil), data[:headersOf(data)]...)
		want := whole.Handle(now, Packet{ID: id, Dir: dir, Data: data}, nil)
		got := cut.Handle(now, Packet{ID: id, Dir: dir, Data: head, Length: len(data)}, nil)
		require.Equal(t, want, got)
		for _, v := range want {
			seen[v.Action]++
		}
	}
	require.Equal(t, whole.Stats(), cut.Stats())
	require.Equal(t, events[0], events[1])
	for action, n := range seen {
		require.Greater(t, n, 20, "action %d", action)
	}
}

// headersOf is what must be there of a packet; one that cannot be decoded stays whole.
func headersOf(data []byte) int {
	var p packet.Packet
	switch {
	case p.Decode(data) != nil:
		return len(data)
	case !p.HasTransport:
		return p.Transport
	case p.Protocol == packet.TCP:
		return p.Transport + 20 + len(p.TCPOptions)
	}
	return p.Transport + 8
}

// Fragments of which bytes are missing are held like others, and leave as they came; what they hold is not read.
func TestCutFragments(t *testing.T) {
	w := newWire(t, "profile: {fragments: {hold: true, inspect: true}}\n---\n"+sni4)
	data := packet.AppendUDP(nil, w.client, w.server, 64, make([]byte, 400))
	parts := fragmented(data, 3, 77, 9)
	var out []Verdict
	for i, part := range parts {
		out = w.engine.Handle(w.now, Packet{ID: uint32(i), Dir: rules.Up, Data: part[:28], Length: len(part)}, nil)
		require.Equal(t, i == len(parts)-1, len(out) > 0)
	}
	require.Len(t, out, len(parts))
	for i, v := range out {
		require.EqualValues(t, i, v.ID)
		require.Equal(t, Accept, v.Action)
	}
}

// A length that cannot be is none.
func TestCutPacketsWithImpossibleLengths(t *testing.T) {
	w := newWire(t, "- {rule: policed, when: all, do: {police: 20kbit, burst: 3000B}, source: {ref: choice}}\n").flow()
	data := packet.AppendUDP(nil, w.client, w.server, 64, make([]byte, 100))
	for _, n := range []int{math.MinInt, -1, 0, 1, 127, 128, 129, math.MaxInt} {
		out := w.engine.Handle(w.now, Packet{Data: data, Length: n}, nil)
		require.Equal(t, []Verdict{{}}, out)
		require.Equal(t, 128, w.engine.pkt.Length)
	}
}
