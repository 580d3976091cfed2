package dpi

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

// segment is one with all that packets can be told apart by. Zero fields are as usual.
type segment struct {
	flags   uint8
	shift   int32 // of the sequence number
	window  uint16
	ttl     uint8
	id      uint16
	options []byte // a multiple of four
	broken  bool   // its checksum
	udp     bool
	payload []byte
}

// fake sends a segment after which the sequence numbers stay.
func (w *wire) fake(dir rules.Direction, s segment) Verdict {
	if s.flags == 0 {
		s.flags = ack
	}
	if s.ttl == 0 {
		s.ttl = 64
	}
	side, src, dst := sideOf(dir), w.client, w.server
	if dir == rules.Down {
		src, dst = dst, src
	}
	if s.udp {
		b := packet.AppendUDP(nil, src, dst, s.ttl, s.payload)
		return w.handle(dir, sealed(b, 26, s))
	}
	b := packet.AppendTCP(nil, src, dst, w.seq[side]+uint32(s.shift), w.seq[1-side], s.flags, s.ttl, append(append([]byte(nil), s.options...), s.payload...))
	b[32] += byte(len(s.options) / 4 << 4)
	if s.window != 0 {
		binary.BigEndian.PutUint16(b[34:], s.window)
	}
	return w.handle(dir, sealed(b, 36, s))
}

// real sends a segment that the other end takes.
func (w *wire) real(dir rules.Direction, s segment) Verdict {
	v := w.fake(dir, s)
	w.seq[sideOf(dir)] += uint32(len(s.payload))
	if s.flags&(syn|fin) != 0 {
		w.seq[sideOf(dir)]++
	}
	return v
}

// sealed sets the IP-ID of an IPv4 packet, and the checksums.
func sealed(b []byte, at int, s segment) []byte {
	sum := func(start uint32, x []byte) uint16 {
		for i := 0; i < len(x); i += 2 {
			start += uint32(x[i]) << 8
			if i+1 < len(x) {
				start += uint32(x[i+1])
			}
		}
		for start>>16 != 0 {
			start = start>>16 + start&0xffff
		}
		return ^uint16(start)
	}
	binary.BigEndian.PutUint16(b[4:], s.id)
	binary.BigEndian.PutUint16(b[10:], 0)
	binary.BigEndian.PutUint16(b[10:], sum(0, b[:20]))
	binary.BigEndian.PutUint16(b[at:], 0)
	pseudo := uint32(b[9]) + uint32(len(b)-20)
	for i := 12; i < 20; i += 2 {
		pseudo += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	binary.BigEndian.PutUint16(b[at:], sum(pseudo, b[20:]))
	if s.broken {
		b[at] ^= 0x55
	}
	return b
}

func stamp(ts uint32) []byte {
	b := []byte{1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint32(b[4:], ts)
	return b
}

var signature = append([]byte{1, 1, 19, 18}, make([]byte, 16)...)

// stamped makes a handshake with timestamps and scaled windows.
func (w *wire) stamped() *wire {
	w.flow()
	scaled := func(ts uint32) []byte { return append(stamp(ts), 3, 3, 7, 1) }
	w.real(rules.Up, segment{flags: syn, options: scaled(1000)})
	w.real(rules.Down, segment{flags: syn | ack, options: scaled(7000)})
	w.real(rules.Up, segment{options: stamp(1001), window: 500})
	return w
}

// unacceptables are fakes that no server takes, each before a hello, and what a profile says of those that it does not fall for.
var unacceptables = map[string]struct {
	fake   segment
	doubts func(*rules.Fooled)
	trick  rules.Trick
}{
	"O072: badseq":   {segment{shift: -10000, options: stamp(1002)}, func(f *rules.Fooled) { f.Sequence = false }, rules.TrickWindow},
	"far ahead":      {segment{shift: 1 << 30, options: stamp(1002)}, func(f *rules.Fooled) { f.Sequence = false }, rules.TrickWindow},
	"half a circle":  {segment{shift: -1 << 31, options: stamp(1002)}, func(f *rules.Fooled) { f.Sequence = false }, rules.TrickWindow},
	"a checksum":     {segment{broken: true, options: stamp(1002)}, func(f *rules.Fooled) { f.Checksum = false }, rules.TrickChecksum},
	"a signature":    {segment{options: signature}, func(f *rules.Fooled) { f.MD5 = false }, rules.TrickMD5},
	"O074: old time": {segment{options: stamp(1<<32 + 1001 - 600000)}, func(f *rules.Fooled) { f.Timestamp = false }, rules.TrickTimestamp},
	"a short TTL":    {segment{ttl: 5, options: stamp(1002)}, func(f *rules.Fooled) { f.TTL = 10 }, rules.TrickTTL},
}

// B16 (ZAP-doc, C): a fake that opens nothing known, of 101 bytes, ends the reading of a box that falls for it, and of no other. The
// switch of one kind says nothing of the other kinds.
func TestBelief(t *testing.T) {
	rule := blocks(rules.Condition{SNI: []string{"blocked.example"}})
	for name, c := range unacceptables {
		for other, x := range unacceptables {
			w := reads(t, func(p *rules.Profile) { x.doubts(&p.Fooled) }, rule).stamped()
			s := c.fake
			s.payload = append([]byte{0x99}, make([]byte, 200)...)
			require.Equal(t, Accept, w.fake(rules.Up, s).Action)
			want := Accept
			if c.trick == x.trick {
				want = Drop
			}
			require.Equal(t, want, w.real(rules.Up, segment{options: stamp(1003), payload: hello("blocked.example")}).Action, "%s, told %s", name, other)
		}
		w := reads(t, nil, rule).stamped()
		s := c.fake
		s.payload = hello("blocked.example")
		require.Equal(t, Drop, w.fake(rules.Up, s).Action, "%s: what it shows is read", name)
		w = reads(t, func(p *rules.Profile) { c.doubts(&p.Fooled) }, rule).stamped()
		require.Equal(t, Accept, w.fake(rules.Up, s).Action, "%s: what it shows is not read", name)
	}
}

// What servers do take is read by a box that falls for nothing: retransmissions, segments that overtake others, probes, a connection
// with signatures, one without timestamps, and the ends of a long one.
func TestBeliefOfWhatServersTake(t *testing.T) {
	rule := blocks(rules.Condition{SNI: []string{"blocked.example"}})
	wary := func(p *rules.Profile) {
		p.Fooled, p.Reassembly.TCP, p.Inspect = rules.Fooled{}, true, rules.Range{Min: 255, Max: 255}
	}
	h := hello("blocked.example")
	for name, last := range map[string]func(*wire) Verdict{
		"retransmission": func(w *wire) Verdict {
			w.real(rules.Up, segment{options: stamp(1002), payload: h[:20]})
			w.real(rules.Down, segment{options: stamp(7002)})
			w.fake(rules.Up, segment{options: stamp(1003), shift: -20, payload: h[:20]})
			return w.real(rules.Up, segment{options: stamp(1004), payload: h[20:]})
		},
		"the second overtakes the first": func(w *wire) Verdict {
			w.fake(rules.Up, segment{options: stamp(1009), shift: 20, payload: h[20:]})
			return w.fake(rules.Up, segment{options: stamp(1008), payload: h[:20]})
		},
		"no window, and a probe": func(w *wire) Verdict {
			w.real(rules.Up, segment{options: stamp(1002), payload: h[:1]})
			return w.real(rules.Up, segment{options: stamp(1003), payload: h[1:]})
		},
		"a server without timestamps": func(w *wire) Verdict {
			w.flow()
			w.real(rules.Up, segment{flags: syn, options: stamp(1000)})
			w.real(rules.Down, segment{flags: syn | ack})
			return w.real(rules.Up, segment{options: stamp(10), payload: h})
		},
		"signatures": func(w *wire) Verdict {
			w.flow()
			w.real(rules.Up, segment{flags: syn, options: signature})
			w.real(rules.Down, segment{flags: syn | ack, options: signature})
			return w.real(rules.Up, segment{options: signature, payload: h})
		},
		"signatures, met in its middle": func(w *wire) Verdict {
			return w.flow().real(rules.Up, segment{options: signature, payload: h})
		},
		"met in its middle": func(w *wire) Verdict { return w.flow().real(rules.Up, segment{options: stamp(5), payload: h}) },
		"sequence numbers that wrap": func(w *wire) Verdict {
			w.flow().seq = [2]uint32{1<<32 - 5, 1<<32 - 3}
			w.real(rules.Up, segment{flags: syn})
			w.real(rules.Down, segment{flags: syn | ack})
			w.real(rules.Up, segment{payload: h[:20]})
			w.real(rules.Down, segment{payload: answer})
			return w.real(rules.Up, segment{payload: h[20:]})
		},
		"much data, and the other direction unseen": func(w *wire) Verdict {
			w.engine = reads(w.t, func(p *rules.Profile) { wary(p); p.Sees = rules.Up }, rule).engine
			w.stamped()
			for range 250 {
				w.real(rules.Up, segment{options: stamp(1002), payload: append([]byte{23, 3, 3, 4, 176}, answer...)})
			}
			return w.real(rules.Up, segment{options: stamp(1002), payload: h})
		},
	} {
		require.Equal(t, Drop, last(reads(t, wary, rule).stamped()).Action, name)
	}
}

// Where the other direction is not seen, what was sent long ago has arrived all the same.
func TestBeliefOfOneDirection(t *testing.T) {
	w := reads(t, func(p *rules.Profile) { p.Sees, p.Inspect = rules.Up, rules.Range{Min: 255, Max: 255} },
		blocks(rules.Condition{Trick: []rules.Trick{rules.TrickWindow}})).stamped()
	for range 200 {
		require.Equal(t, Accept, w.real(rules.Up, segment{payload: append([]byte{23, 3, 3, 4, 176}, answer...)}).Action)
	}
	require.Equal(t, Accept, w.fake(rules.Up, segment{shift: -10000, payload: []byte("again")}).Action, "may be a retransmission")
	require.Equal(t, Drop, w.fake(rules.Up, segment{shift: -150000, payload: []byte("fake")}).Action)
}

// B16: tricks are noticed whether the box falls for them or not, on packets with payload from inside, and where a rule asks.
func TestTricks(t *testing.T) {
	for name, c := range unacceptables {
		for _, fooled := range []bool{true, false} {
			for trick, payload := range map[rules.Trick][]byte{c.trick: []byte("anything"), rules.TrickFake: hello("allowed.example")} {
				w := reads(t, func(p *rules.Profile) {
					if !fooled {
						c.doubts(&p.Fooled)
					}
				}, blocks(rules.Condition{Trick: []rules.Trick{trick}})).stamped()
				s := c.fake
				require.Equal(t, Accept, w.fake(rules.Up, s).Action, "no payload")
				s.payload = []byte("down")
				require.Equal(t, Accept, w.fake(rules.Down, s).Action)
				require.Equal(t, Accept, w.real(rules.Up, segment{options: stamp(1003), payload: payload}).Action, "%s", name)
				s.payload = payload
				require.Equal(t, Drop, w.fake(rules.Up, s).Action, "%s: %s", name, trick)
				require.Equal(t, Drop, w.real(rules.Up, segment{options: stamp(1004), payload: []byte("more")}).Action)
			}
		}
	}
	// Another trick, or a fake that is no hello, is not what the rule asks for.
	w := reads(t, nil, blocks(rules.Condition{Trick: []rules.Trick{rules.TrickMD5, rules.TrickFake}})).stamped()
	require.Equal(t, Accept, w.fake(rules.Up, segment{shift: -10000, payload: []byte("no hello")}).Action)
}

// O075, O076 (ZAP-doc, C).
func TestRepeatedID(t *testing.T) {
	for _, c := range []struct {
		first, second uint16
		want          Action
	}{{4242, 4242, Drop}, {4242, 4243, Accept}, {0, 0, Accept}} {
		for _, udp := range []bool{true, false} {
			w := reads(t, nil, blocks(rules.Condition{Trick: []rules.Trick{rules.TrickID}})).stamped()
			w.fake(rules.Up, segment{id: c.second, udp: udp})
			require.Equal(t, Accept, w.real(rules.Up, segment{id: c.first, udp: udp, payload: hello("allowed.example")}).Action)
			require.Equal(t, Accept, w.real(rules.Down, segment{id: c.second, udp: udp, payload: []byte("down")}).Action)
			require.Equal(t, c.want, w.real(rules.Up, segment{id: c.second, udp: udp, payload: hello("allowed.example")}).Action)
		}
	}
}

// The same of datagrams, which have a checksum and a TTL.
func TestBeliefOfDatagrams(t *testing.T) {
	rule := blocks(rules.Condition{SNI: []string{"blocked.example"}})
	for _, s := range []segment{{broken: true}, {ttl: 3}} {
		for fooled, want := range map[bool]Action{true: Accept, false: Drop} {
			w := reads(t, func(p *rules.Profile) {
				if !fooled {
					p.Fooled = rules.Fooled{TTL: 4}
				}
			}, rule).flow()
			s.udp, s.payload = true, []byte("opens nothing")
			require.Equal(t, Accept, w.fake(rules.Up, s).Action)
			require.Equal(t, want, w.udp(rules.Up, initialOf("blocked.example", 1)).Action)
		}
	}
	w := reads(t, nil, blocks(rules.Condition{Trick: []rules.Trick{rules.TrickFake}})).flow()
	require.Equal(t, Accept, w.udp(rules.Up, initialOf("allowed.example", 1)).Action)
	require.Equal(t, Drop, w.fake(rules.Up, segment{udp: true, broken: true, payload: initialOf("allowed.example", 0x6b3343cf)}).Action)
}

// What a flow is weighed by goes back when the flow is decided or forgotten, and nothing is allocated.
func TestBeliefIsLetGo(t *testing.T) {
	rule := blocks(rules.Condition{SNI: []string{"blocked.example"}, Trick: []rules.Trick{rules.TrickWindow}})
	c := reads(t, nil, rule)
	require.Empty(t, c.engine.beliefs.chunks)
	packets := connection("allowed.example")(c.client)
	for range 30 {
		packets = append(packets, benchTCP(c.client, rules.Down, ack, 99, answer))
	}
	out := make([]Verdict, 0, 4)
	round := func() {
		for _, p := range packets {
			out = c.engine.Handle(c.now, p, out[:0])
		}
		c.wait(20 * 60 * 1e9)
	}
	round()
	require.Zero(t, c.engine.beliefs.used)
	require.Len(t, c.engine.beliefs.chunks, 1)
	require.Zero(t, testing.AllocsPerRun(20, round))
	require.Equal(t, belief{}, *c.engine.beliefs.at(c.engine.beliefs.free))
}

func BenchmarkBelief(b *testing.B) {
	for name, change := range map[string]func(*rules.Profile){
		"fooled": func(*rules.Profile) {},
		"window": func(p *rules.Profile) { p.Fooled.Sequence = false },
		"wary":   func(p *rules.Profile) { p.Fooled = rules.Fooled{} },
	} {
		b.Run(name, func(b *testing.B) {
			e := box(b, func(p *rules.Profile) { p.Reassembly.TCP = true; change(p) }, []rules.Rule{blocks(rules.Condition{SNI: []string{"blocked.example"}})})
			packets := connection("allowed.example")(netip.MustParseAddrPort("198.51.100.2:4000"))
			out, now, n := make([]Verdict, 0, 4), time.Hour, 0
			b.ReportAllocs()
			for b.Loop() {
				for _, p := range packets {
					now += 1000
					out = e.Handle(now, p, out[:0])
					n++
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/packet")
		})
	}
}
