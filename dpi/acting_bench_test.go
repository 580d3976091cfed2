package dpi

import (
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

// acts are rules whose packets are handled one by one; each hits what connection or a query shows.
var acts = []struct {
	name, when string
	do         rules.Do
}{
	{"drop", "sni: blocked.example", rules.Do{Mechanism: rules.MechanismDrop, After: rules.Count{Range: rules.Range{Min: 5, Max: 8}, Unit: rules.UnitData}}},
	{"from", "sni: blocked.example", rules.Do{Mechanism: rules.MechanismDrop, From: rules.StartData, Residual: time.Minute, Refresh: true, Hold: rules.HoldPair}},
	{"freeze", "to: 203.0.113.0/24", rules.Do{Mechanism: rules.MechanismFreeze, After: rules.Count{Range: rules.Range{Min: 9, Max: 9}, Unit: rules.UnitPayload}, Ban: time.Minute, Hold: rules.HoldServer}},
	{"inject", "sni: blocked.example", rules.Do{Mechanism: rules.MechanismReset, Inject: true}},
	{"police", "to: 203.0.113.0/24", rules.Do{Mechanism: rules.MechanismPolice, Rate: 17500, Burst: 16000}},
	{"subscriber", "to: 203.0.113.0/24", rules.Do{Mechanism: rules.MechanismPolice, Rate: 17500, Burst: 16000, Subscriber: true}},
	{"capacity", "to: 203.0.113.0/24", rules.Do{Mechanism: rules.MechanismCapacity, Capacity: 50}},
	{"limit", "sni: blocked.example", rules.Do{Mechanism: rules.MechanismLimit, Limit: 3, Keys: rules.LimitClient | rules.LimitServer24 | rules.LimitSNI, Window: time.Minute, Ban: time.Minute}},
	{"page", "host: blocked.example", rules.Do{Mechanism: rules.MechanismPage, Page: "http://stub.example/"}},
	{"answer", "query: blocked.example", rules.Do{Mechanism: rules.MechanismAnswer}},
}

// actPackets is a connection with a hello and data, one with a request, and a query, all of one client.
func actPackets(c netip.AddrPort) []Packet {
	ps := connection("blocked.example")(c)
	ps = append(ps, benchTCP(c, rules.Down, ack, 99, appData), benchTCP(c, rules.Up, ack, 999, appData))
	web := netip.AddrPortFrom(c.Addr(), c.Port()^1<<15)
	ps = append(ps, benchTCP(web, rules.Up, syn, 1, nil), benchTCP(web, rules.Up, ack, 2, []byte("GET / HTTP/1.1\r\nHost: blocked.example\r\n\r\n")))
	q, _ := new(dns.Msg).SetQuestion("blocked.example.", dns.TypeA).Pack()
	return append(ps, Packet{Dir: rules.Up, Data: packet.AppendUDP(nil, c, netip.MustParseAddrPort("203.0.113.80:53"), 64, q)})
}

// Nothing is allocated by any mechanism, from the hit to the last packet, once the pools are warm.
func TestActingAllocatesNothing(t *testing.T) {
	for _, a := range acts {
		e := New(Options{Policy: doing(t, a.when, a.do)})
		packets := actPackets(netip.MustParseAddrPort("198.51.100.2:4000"))
		out, now := make([]Verdict, 0, 8), time.Hour
		if n := testing.AllocsPerRun(50, func() {
			now += 20 * time.Minute
			for _, p := range packets {
				now += time.Millisecond
				out = e.Handle(now, p, out[:0])
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", a.name, n)
		}
		if e.Stats().Hit == 0 {
			t.Errorf("%s: nothing was hit", a.name)
		}
	}
}

func BenchmarkActing(b *testing.B) {
	for _, a := range acts {
		b.Run(a.name, func(b *testing.B) {
			e := New(Options{Policy: doing(b, a.when, a.do)})
			packets := actPackets(netip.MustParseAddrPort("198.51.100.2:4000"))
			out, now, n := make([]Verdict, 0, 8), time.Hour, 0
			b.ReportAllocs()
			for b.Loop() {
				now += time.Minute
				for _, p := range packets {
					now += time.Millisecond
					out = e.Handle(now, p, out[:0])
					n++
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/packet")
		})
	}
}
