package dpi

import (
	"encoding/binary"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/cpu"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

// enginePolicy is what dpilab bench measures the engine under: ten names are blocked. More is said of its profile.
const (
	engineProfile = "reassembly: {tcp: true}, inspect: {hellos: first}"
	engineRules   = "- {rule: names, when: {sni: [blocked.example, a.example, b.example, c.example, d.example, a.test, b.test, c.test, a.invalid, b.invalid]}" +
		", do: {drop: both}, source: {ref: choice}}\n"
	enginePolicy = "profile: {" + engineProfile + "}\n---\n" + engineRules
)

// benchStranger is a packet from inside whose sender can be anyone.
type benchStranger struct{ data []byte }

// from puts number n in place of the sender's address, out of 198.18.0.0/15, and port.
func (p benchStranger) from(n int) Packet {
	binary.BigEndian.PutUint32(p.data[12:], 198<<24|18<<16|uint32(n)&0x1ffff)
	binary.BigEndian.PutUint16(p.data[20:], uint16(1024+n>>17))
	return Packet{Dir: rules.Up, Data: p.data}
}

// firstUp are the first packets of a real client's flow that carry payload of one transport.
func firstUp(t testing.TB, name string, transport uint8, n int) (all []benchStranger) {
	var p packet.Packet
	for _, data := range captured(t, name) {
		if p.Decode(data) == nil && p.Protocol == transport && p.DstPort == 443 && len(p.Payload) > 0 && len(all) < n {
			all = append(all, benchStranger{append([]byte(nil), p.Data...)})
		}
	}
	require.Len(t, all, n)
	return all
}

// BenchmarkEngine is what the engine costs alone, with the packets and tables of dpilab bench: a packet of a known flow; a SYN that opens
// one, with the forgetting of an older one, or in a full table, in place of one; a ClientHello in two segments, and one in two
// Initials, each of a flow of its own, up to the rule that hits. Here, these two are a real client's, and always the same.
func BenchmarkEngine(b *testing.B) {
	b.Run("known", func(b *testing.B) {
		benchKnown(b, 256)
	})
	b.Run("known of a million", func(b *testing.B) {
		benchKnown(b, 1_000_000)
	})
	b.Run("new", func(b *testing.B) { benchOpening(b, enginePolicy, benchSYN(), time.Millisecond, 0) })
	b.Run("new in place of another", func(b *testing.B) {
		benchOpening(b, "profile: {flows: 60000, full: evicts, "+engineProfile+"}\n---\n"+engineRules, benchSYN(), 5*time.Microsecond, 0)
	})
	b.Run("hello2", func(b *testing.B) {
		benchOpening(b, enginePolicy, firstUp(b, "chromium_tcp", packet.TCP, 2), 10*time.Millisecond, 1)
	})
	b.Run("quic2", func(b *testing.B) {
		benchOpening(b, enginePolicy, firstUp(b, "chromium_quic", packet.UDP, 2), 10*time.Millisecond, 1)
	})
}

func benchSYN() []benchStranger {
	return []benchStranger{{packet.AppendTCP(nil, benchClient, benchServer, 1, 0, syn, 64, nil)}}
}

// What BenchmarkEngine measures allocates nothing; but decrypting an Initial does where there is no assembly for it, see inspect.QUIC.
func TestEngineAllocatesNothing(t *testing.T) {
	ciphers := 3.0
	if cpu.X86.HasAES && cpu.X86.HasPCLMULQDQ && cpu.X86.HasSSSE3 && cpu.X86.HasSSE41 {
		ciphers = 0
	}
	for name, c := range map[string]struct {
		packets []benchStranger
		most    float64
	}{
		"new":    {benchSYN(), 0},
		"hello2": {firstUp(t, "chromium_tcp", packet.TCP, 2), 0},
		"quic2":  {firstUp(t, "chromium_quic", packet.UDP, 2), ciphers},
	} {
		e := New(Options{Policy: policyOf(t, enginePolicy)})
		out, now, n := make([]Verdict, 0, 4), time.Hour, 0
		one := func() {
			now += 5 * time.Second // until as many flows end as begin
			for _, p := range c.packets {
				out = e.Handle(now, p.from(n), out[:0])
			}
			n++
		}
		for range 400 {
			one()
		}
		require.LessOrEqual(t, testing.AllocsPerRun(300, one), c.most, name)
	}
}

// benchBatches runs one in batches, and reports what it costs in the middle one of them. In a batch, flows open and end as on the whole:
// what is only done once in a second of the box's time, of a thousand new flows, is in each.
func benchBatches(b *testing.B, one func()) {
	const batch = 10_000
	took, i, start := make([]time.Duration, 0, 1<<16), 0, time.Now()
	b.ReportAllocs()
	for b.Loop() {
		one()
		if i++; i == batch {
			now := time.Now()
			took, i, start = append(took, now.Sub(start)), 0, now
		}
	}
	if len(took) > 0 {
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/batch, "ns-median")
	}
}

func benchKnown(b *testing.B, flows int) {
	e := New(Options{Policy: policyOf(b, enginePolicy)})
	p := benchStranger{packet.AppendTCP(nil, benchClient, benchServer, 2, 1, ack, 64, make([]byte, 1200))}
	out, now, n := make([]Verdict, 0, 4), time.Hour, 0
	one := func() {
		now += 100 * time.Nanosecond
		out = e.Handle(now, p.from(n), out[:0])
		if n++; n == flows {
			n = 0
		}
	}
	for range max(flows, 200_000) {
		one()
	}
	benchBatches(b, one)
	require.Equal(b, flows, e.Stats().Open)
}

// benchOpening handles the packets of flow after flow, each opened after a step of time and hit or not.
func benchOpening(b *testing.B, policy string, packets []benchStranger, step time.Duration, hits uint64) {
	e := New(Options{Policy: policyOf(b, policy)})
	out, now, n := make([]Verdict, 0, 4), time.Hour, 0
	one := func() {
		now += step
		for _, p := range packets {
			out = e.Handle(now, p.from(n), out[:0])
		}
		n++
	}
	for range 200_000 { // until as many flows end as begin
		one()
	}
	runtime.GC()
	benchBatches(b, one)
	require.EqualValues(b, n, e.Stats().Opened)
	require.Equal(b, hits*uint64(n), e.Stats().Hit)
	b.ReportMetric(float64(e.Stats().Open), "flows")
}
