package dpi

import (
	"net/netip"
	"testing"
	"time"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

// benchFlows handles one packet a time of flows of its own: build gives the packets of flow i.
func benchFlows(b *testing.B, policy string, packets func(client netip.AddrPort) []Packet) {
	benchPackets(b, policyOf(b, policy), packets)
}

func benchPackets(b *testing.B, policy *rules.Compiled, packets func(client netip.AddrPort) []Packet) {
	e := New(Options{Policy: policy})
	var sets [256][]Packet
	var copies [256][][]byte
	for i := range sets {
		sets[i] = packets(netip.AddrPortFrom(netip.MustParseAddr("198.51.100.2"), uint16(1024+i)))
		for _, p := range sets[i] {
			copies[i] = append(copies[i], append([]byte(nil), p.Data...))
		}
	}
	out := make([]Verdict, 0, 4)
	now, n := time.Hour, 0
	b.ReportAllocs()
	for b.Loop() {
		set := sets[n%256]
		for j := range set {
			now += time.Microsecond
			copy(set[j].Data, copies[n%256][j]) // a rewrite is made in place
			out = e.Handle(now, set[j], out[:0])
		}
		n++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n*len(sets[0])), "ns/packet")
}

var (
	benchClient = netip.MustParseAddrPort("198.18.0.1:1024")
	benchServer = netip.MustParseAddrPort("203.0.113.2:443")
)

func benchTCP(client netip.AddrPort, dir rules.Direction, flags uint8, seq uint32, payload []byte) Packet {
	if dir == rules.Up {
		return Packet{Dir: dir, Data: packet.AppendTCP(nil, client, benchServer, seq, 1, flags, 64, payload)}
	}
	return Packet{Dir: dir, Data: packet.AppendTCP(nil, benchServer, client, seq, 1, flags, 58, payload)}
}

// connection is a handshake, a hello and eight packets of data.
func connection(name string) func(netip.AddrPort) []Packet {
	return func(c netip.AddrPort) []Packet {
		ps := []Packet{benchTCP(c, rules.Up, syn, 1, nil), benchTCP(c, rules.Down, syn|ack, 1, nil), benchTCP(c, rules.Up, ack, 2, hello(name))}
		for i := range 8 {
			ps = append(ps, benchTCP(c, rules.Down, ack, 2+1200*uint32(i), answer))
		}
		return ps
	}
}

const benchPolicy = "profile: {reassembly: {tcp: true}}\n---\n" + sni1

func BenchmarkFlowThatPasses(b *testing.B) { benchFlows(b, benchPolicy, connection("allowed.example")) }
func BenchmarkFlowThatIsBlocked(b *testing.B) {
	benchFlows(b, benchPolicy, connection("blocked.example"))
}
func BenchmarkKnownFlow(b *testing.B) {
	benchFlows(b, passAll, func(c netip.AddrPort) []Packet { return []Packet{benchTCP(c, rules.Down, ack, 2, answer)} })
}

func TestNoAllocations(t *testing.T) {
	for _, name := range []string{"allowed.example", "blocked.example"} {
		e := New(Options{Policy: policyOf(t, benchPolicy)})
		packets := connection(name)(netip.MustParseAddrPort("198.51.100.2:4000"))
		out, now := make([]Verdict, 0, 4), time.Hour
		copies := make([][]byte, len(packets))
		for i, p := range packets {
			copies[i] = append([]byte(nil), p.Data...)
		}
		if n := testing.AllocsPerRun(100, func() {
			now += 2 * time.Minute // past the residual time: each round is a new flow
			for i := range packets {
				copy(packets[i].Data, copies[i])
				out = e.Handle(now, packets[i], out[:0])
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations a connection", name, n)
		}
	}
}
