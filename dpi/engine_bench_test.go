package dpi

import (
	"encoding/binary"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/cpu"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

const enginePolicy = "profile: {reassembly: {tcp: true, records: true}}\n---\n" +
	"- {rule: block, when: {sni: blocked.example}, do: {drop: both, residual: 75s}, source: {ref: choice}}\n"

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

// BenchmarkEngine is what the engine costs alone: a packet of a known flow; a SYN that opens one, with the forgetting of an older one, or in
// a full table, in place of one;
// a real ClientHello in two segments, and one in two Initials, each of a flow of its own, up to the rule that hits.
func BenchmarkEngine(b *testing.B) {
	b.Run("known", func(b *testing.B) {
		benchKnown(b, 256)
	})
	b.Run("known of a million", func(b *testing.B) {
		benchKnown(b, 1_000_000)
	})
	b.Run("new", func(b *testing.B) { benchOpening(b, enginePolicy, benchSYN(), time.Millisecond, 0) })
	b.Run("new in place of another", func(b *testing.B) {
		benchOpening(b, strings.Replace(enginePolicy, "{", "{flows: 60000, full: evicts, ", 1), benchSYN(), 5*time.Microsecond, 0)
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

// benchLeast runs one in batches, and reports what it costs in the fastest: there, nothing else was in the way.
func benchLeast(b *testing.B, one func()) {
	const batch = 500
	least, i, start := time.Duration(math.MaxInt64), 0, time.Now()
	b.ReportAllocs()
	for b.Loop() {
		one()
		if i++; i == batch {
			now := time.Now()
			least, i, start = min(least, now.Sub(start)), 0, now
		}
	}
	if least != math.MaxInt64 {
		b.ReportMetric(float64(least.Nanoseconds())/batch, "ns-least")
	}
}

func benchKnown(b *testing.B, flows int) {
	e := New(Options{Policy: policyOf(b, enginePolicy)})
	p := benchStranger{packet.AppendTCP(nil, benchClient, benchServer, 2, 1, ack, 64, answer)}
	out, now, n := make([]Verdict, 0, 4), time.Hour, 0
	for n = range flows {
		out = e.Handle(now, p.from(n), out[:0])
	}
	benchLeast(b, func() {
		if n++; n >= flows {
			n = 0
		}
		now += 100 * time.Nanosecond
		out = e.Handle(now, p.from(n), out[:0])
	})
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
	benchLeast(b, one)
	require.EqualValues(b, n, e.Stats().Opened)
	require.Equal(b, hits*uint64(n), e.Stats().Hit)
	b.ReportMetric(float64(e.Stats().Open), "flows")
}
