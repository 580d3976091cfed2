package dpi

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

// everything asks for all that a payload can show, of names and values that nobody has.
func everything() []rules.Rule {
	tricks := make([]rules.Trick, rules.TrickCount)
	for i := range tricks {
		tricks[i] = rules.Trick(i)
	}
	yes, nobody := true, []string{"nobody.example"}
	all := []rules.Rule{
		blocks(rules.Condition{SNI: nobody, ECH: &yes}), blocks(rules.Condition{Host: nobody}), blocks(rules.Condition{Query: nobody}),
		blocks(rules.Condition{Certificate: nobody}), blocks(rules.Condition{JA3: nobody}), blocks(rules.Condition{JA4: nobody}),
		blocks(rules.Condition{SNI: nobody}),
		blocks(rules.Condition{Extension: []rules.Extension{{ID: 0xfe02, Length: 20}}}),
		blocks(rules.Condition{Payload: []rules.Payload{{Stretches: "0: 16 fe fd, 0x5a: 1d 00 17 00 18"}}}),
		blocks(rules.Condition{Trick: tricks, Port: []rules.Range{{Min: 443, Max: 443}}, SNI: nobody}),
		blocks(rules.Condition{QUIC: []rules.QUICVersion{rules.QUICOther}, Size: []rules.Range{{Min: 9000, Max: 9000}}}),
	}
	all[6].Again = true
	return all
}

func box(t testing.TB, change func(*rules.Profile), all []rules.Rule) *Engine {
	t.Helper()
	p := rules.Policy{Profile: rules.DefaultProfile(), Rules: all}
	p.Profile.Flows = 64
	if change != nil {
		change(&p.Profile)
	}
	c, err := p.Compile()
	require.NoError(t, err)
	return New(Options{Policy: c})
}

// profiles are the ways to read that differ most.
var profiles = map[string]func(*rules.Profile){
	"none":    func(p *rules.Profile) {},
	"records": func(p *rules.Profile) { p.Reassembly.TCP, p.Reassembly.Records = true, true },
	"both, last": func(p *rules.Profile) {
		p.Reassembly.TCP, p.Reassembly.Records, p.Reassembly.Both, p.Reassembly.Last = true, true, true, true
	},
	"strict": func(p *rules.Profile) {
		p.Reassembly.TCP, p.Reassembly.Ordered, p.Reassembly.Timeout = true, true, 5*time.Second
		p.HTTPEvery, p.QUIC.Assemble, p.QUIC.Padding, p.Originator = true, false, false, false
		p.QUIC.Versions = []rules.QUICVersion{rules.QUICv1, rules.QUICv2, rules.QUICDraft}
	},
}

// Reading costs no allocation once its pools are warm, but for the keys of QUIC (package inspect says why).
func TestReadingAllocates(t *testing.T) {
	c := netip.MustParseAddrPort("198.51.100.2:4000")
	up := func(b []byte) Packet { return benchTCP(c, rules.Up, ack, 2, b) }
	h := hello("any.example")
	for name, change := range profiles {
		e := box(t, change, everything())
		flows := map[string][]Packet{
			"hello":     {up(h), benchTCP(c, rules.Down, ack, 2, answer)},
			"cut hello": {up(h[:40]), benchTCP(c, rules.Up, ack, 42, h[40:]), benchTCP(c, rules.Down, ack, 2, answer)},
			"behind":    {benchTCP(c, rules.Up, syn, 1, nil), benchTCP(c, rules.Up, ack, 42, h[40:]), up(h[:40])},
			"records":   {up(hello("any.example", 30))},
			"request":   {up(requestOf("any.example")), up(requestOf("other.example"))},
			"noise":     {up([]byte{0x99, 1, 2}), benchTCP(c, rules.Down, ack, 2, answer)},
		}
		for kind, packets := range flows {
			now, out := time.Hour, make([]Verdict, 0, 4)
			require.Zero(t, testing.AllocsPerRun(50, func() {
				now += 11 * time.Minute
				for _, p := range packets {
					out = e.Handle(now, p, out[:0])
				}
			}), "%s, %s", kind, name)
		}
	}
}

func BenchmarkReading(b *testing.B) {
	h := hello("any.example")
	for name, change := range profiles {
		b.Run(name, func(b *testing.B) {
			e := box(b, change, everything())
			c := netip.MustParseAddrPort("198.51.100.2:4000")
			packets := []Packet{benchTCP(c, rules.Up, syn, 1, nil), benchTCP(c, rules.Up, ack, 2, h[:40]), benchTCP(c, rules.Up, ack, 42, h[40:]),
				benchTCP(c, rules.Down, ack, 2, answer), benchTCP(c, rules.Up, ack, 300, answer)}
			out, now := make([]Verdict, 0, 4), time.Hour
			b.ReportAllocs()
			for b.Loop() {
				now += time.Microsecond
				for _, p := range packets {
					out = e.Handle(now, p, out[:0])
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(packets)), "ns/packet")
		})
	}
}

// Whatever stream is cut however into the packets of a flow, the engine answers each, and what is let be holds nothing.
func FuzzReading(f *testing.F) {
	for _, seed := range [][]byte{hello("blocked.example"), hello("blocked.example", 30), requestOf("blocked.example"),
		initialOf("blocked.example", 1), initialOf("blocked.example", 0x6b3343cf), []byte("WA\x06\x03 and a key"), {5, 1, 0}} {
		f.Add(seed, uint16(40), uint8(0))
		f.Add(seed, uint16(1400), uint8(7))
	}
	boxes := map[string]*Engine{}
	for name, change := range profiles {
		boxes[name] = box(f, change, everything())
	}
	now := time.Hour
	f.Fuzz(func(t *testing.T, data []byte, step uint16, order uint8) {
		client, server := netip.MustParseAddrPort("198.51.100.2:4000"), netip.MustParseAddrPort("203.0.113.2:443")
		now += 11 * time.Minute
		parts := split(data, int(step)%1400+1)
		for i := range min(len(parts), 40) {
			k := (i*int(order|1) + int(order)) % len(parts) // some order, some twice
			at := uint32(2 + k*(int(step)%1400+1))
			for _, e := range boxes {
				for _, p := range [][]byte{packet.AppendTCP(nil, client, server, at, 1, ack, 64, parts[k]), packet.AppendUDP(nil, client, server, 64, parts[k]),
					packet.AppendTCP(nil, server, client, at, 1, ack, 64, parts[k]), packet.AppendUDP(nil, server, client, 64, parts[k])} {
					dir := rules.Up
					if p[19] == 2 && p[16] == 198 {
						dir = rules.Down
					}
					require.Len(t, e.Handle(now, Packet{Dir: dir, Data: p}, nil), 1)
				}
				for j := range e.flows.chunks[0] {
					x := &e.flows.chunks[0][j]
					require.False(t, x.is(flagPassed) && x.reading != none)
				}
			}
		}
	})
}
