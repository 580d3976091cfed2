package dpi

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

// flood gives packet n of a flood from inside.
type flood func(n int) []byte

// floods are what a box has to withstand.
func floods() map[string]flood {
	r := rand.New(rand.NewPCG(11, 12))
	stranger := func(n int) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 18 + byte(n>>16&1), byte(n >> 8), byte(n)}), uint16(1024+n>>17))
	}
	hello := append([]byte(nil), hello("flood.example")[:60]...)
	return map[string]flood{
		"SYNs": func(n int) []byte {
			return packet.AppendTCP(nil, stranger(n), benchServer, r.Uint32(), 0, syn, 64, nil)
		},
		"tiny fragments": func(n int) []byte {
			whole := packet.AppendUDP(nil, stranger(n), benchServer, 64, make([]byte, 56))
			return fragment(whole, 8*r.IntN(6), make([]byte, 8), true, r.Uint32(), 64)
		},
		"Initials with random ids": func(n int) []byte {
			b := make([]byte, 200)
			for at := 0; at < len(b); at += 8 {
				binary.LittleEndian.PutUint64(b[at:], r.Uint64())
			}
			b[0] = 0xc0 | b[0]&15
			binary.BigEndian.PutUint32(b[1:], 1)
			b[5] = 8
			return packet.AppendUDP(nil, stranger(n), benchServer, 64, b)
		},
		"hellos without an end":   func(n int) []byte { return packet.AppendTCP(nil, stranger(n), benchServer, 1, 1, ack, 64, hello) },
		"Initials without an end": func(n int) []byte { return packet.AppendUDP(nil, stranger(n), benchServer, 64, half[n%len(half)]) },
		"random bytes": func(int) []byte {
			b := make([]byte, 20+r.IntN(200))
			for i := range b {
				b[i] = byte(r.Uint32())
			}
			if r.IntN(2) == 0 {
				b[0], b[9] = 0x45, []byte{packet.TCP, packet.UDP, packet.ICMP}[r.IntN(3)]
				binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
			}
			return b
		},
	}
}

// half are Initials that hold the first part of a hello.
var half = func() (all [][]byte) {
	for id := range byte(8) {
		all = append(all, initial{id: id, frames: cryptoFrame(0, hello("flood.example")[5:60])}.seal())
	}
	return all
}()

const floodPolicy = `
profile: {flows: 20000, full: %, reassembly: {tcp: true, records: true}, fragments: {hold: true, inspect: true}, fooled by: {sequence: false}}
---
- {rule: block, when: {sni: blocked.example}, do: {drop: both, residual: 75s, refresh: true}, source: {ref: choice}}
`

// Under a flood of whatever kind memory stays bounded. A flow that is blocked stays so, and one that is let be passes; and where others give
// way, or there is room, new ones fare as ever: otherwise they pass unseen.
func TestFloods(t *testing.T) {
	for name, flood := range floods() {
		for _, full := range []string{"evicts", "passes"} {
			t.Run(name+", "+full, func(t *testing.T) {
				w := newWire(t, strings.Replace(floodPolicy, "%", full, 1))
				w.events = nil
				w.engine.onEvent = nil
				require.Equal(t, Drop, w.connect().up(hello("blocked.example")))
				blocked := *w
				require.Equal(t, Accept, w.connect().up(hello("allowed.example")))
				allowed := *w

				var before uint64
				out := make([]Verdict, 0, 64)
				for n := range 100_000 {
					if n == 50_000 {
						before = heap()
					}
					w.now += 5 * time.Microsecond // 200,000 a second
					out = w.engine.Handle(w.now, Packet{ID: 8, Dir: rules.Up, Data: flood(n)}, out[:0])
				}
				requireBounded(t, w.engine, &w.engine.policies[0].compiled.Profile, name)
				require.Less(t, float64(heap()), float64(before)+4e6, "the second half of the flood takes no more than the first")
				require.Less(t, len(w.engine.readings.chunks), maxReadings/poolChunk+2)
				require.Less(t, len(w.engine.flows.chunks), 20_000/chunk+2)

				for _, x := range []*wire{&blocked, &allowed} {
					x.now = w.now
				}
				require.Equal(t, Drop, blocked.up(answer))
				require.Equal(t, Accept, allowed.up(answer))
				late := w.connect()
				want := Drop
				if full == "passes" && w.engine.Stats().Open == 20_000 {
					want = Accept
				}
				require.Equal(t, want, late.up(hello("blocked.example")))
				require.Equal(t, Accept, w.connect().up(hello("allowed.example")))
				cut := hello("blocked.example")
				w.connect().up(cut[:50])
				require.Equal(t, want, w.up(cut[50:]), "in two segments")
				runtime.KeepAlive(w)
			})
		}
	}
}

// Of hellos that are incomplete so many are kept, the latest: what becomes of the others is what becomes of one that never ends.
func TestHellosThatAreGivenUp(t *testing.T) {
	w := newWire(t, "profile: {reassembly: {tcp: true, records: true}}\n---\n"+
		"- {rule: unread, when: {hello: unreadable}, do: {drop: both}, source: {ref: choice}}\n"+sni1)
	h := hello("allowed.example")
	require.Equal(t, Accept, w.connect().up(h[:50]))
	first := *w
	for range maxReadings {
		require.Equal(t, Accept, w.connect().up(h[:50]))
	}
	require.Equal(t, maxReadings, w.engine.readings.used)
	require.Equal(t, Accept, w.up(h[50:]), "the latest is read to its end")
	require.Equal(t, maxReadings-1, w.engine.readings.used)
	require.Equal(t, Drop, first.up(h[50:]), "the first was given up")
}
