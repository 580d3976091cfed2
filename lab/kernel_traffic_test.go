package lab

import (
	"math/rand/v2"
	"net/netip"

	"dpilab/dpi/trace"
	"dpilab/dpi/trace/craft"
)

// mixture makes packets of a few flows between a few addresses, mixed at random: what rules about addresses, ports, names, counts and
// protocols decide.
type mixture struct {
	r    *rand.Rand
	seq  map[[2]netip.AddrPort][2]uint32
	last uint16 // identification of a fragmented packet
	calm bool   // only the client opens connections
	out  []trace.Sent
}

var (
	insides  = []netip.Addr{netip.MustParseAddr("198.51.100.2"), netip.MustParseAddr("2001:db8:1::2")}
	outsides = [][]netip.Addr{
		{netip.MustParseAddr("203.0.113.2"), netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("198.18.5.9")},
		{netip.MustParseAddr("2001:db8:2::2"), netip.MustParseAddr("2001:db8:2::9"), netip.MustParseAddr("2001:db8:3::3")},
	}
	outsidePorts = []uint16{443, 80, 53, 5000}
)

// packetsOf gives about n packets.
func packetsOf(r *rand.Rand, n int, calm bool) []trace.Sent {
	k := &mixture{r: r, calm: calm, seq: map[[2]netip.AddrPort][2]uint32{}}
	for len(k.out) < n {
		family := r.IntN(2)
		in := netip.AddrPortFrom(insides[family], 40000+uint16(r.IntN(3)))
		out := netip.AddrPortFrom(outsides[family][r.IntN(3)], outsidePorts[r.IntN(4)])
		switch r.IntN(10) {
		case 0:
			k.echo(in, out)
		case 1:
			k.fragments(in, out)
		case 2, 3:
			k.datagram(in, out, trace.End(r.IntN(2)), craft.Random(r, 1+r.IntN(200)))
		case 4, 5, 6:
			k.open(in, out)
			k.say(in, out)
		default:
			k.say(in, out)
		}
	}
	return k.out
}

func (k *mixture) send(from trace.End, data []byte) {
	k.out = append(k.out, trace.Sent{From: from, Data: data})
}

// turned gives header and ports of a packet from one end.
func turned(from trace.End, in, out netip.AddrPort) (ip craft.IP, src, dst netip.AddrPort) {
	src, dst = in, out
	if from == trace.Server {
		src, dst = out, in
	}
	return craft.IP{Src: src.Addr(), Dst: dst.Addr(), TTL: 60, ID: 1}, src, dst
}

func (k *mixture) segment(from trace.End, in, out netip.AddrPort, flags uint8, payload []byte) {
	ip, src, dst := turned(from, in, out)
	s := k.seq[[2]netip.AddrPort{in, out}]
	k.send(from, craft.TCP{SrcPort: src.Port(), DstPort: dst.Port(), Seq: s[from], Ack: s[1-from], Flags: flags, Window: 65535, Payload: payload}.Packet(ip))
	s[from] += uint32(len(payload))
	if flags&3 != 0 { // SYN, FIN
		s[from]++
	}
	k.seq[[2]netip.AddrPort{in, out}] = s
}

const (
	tcpFIN, tcpSYN, tcpRST, tcpPSH, tcpACK = 1, 2, 4, 8, 16
)

// open is a handshake; one in six comes from outside, unless all is calm.
func (k *mixture) open(in, out netip.AddrPort) {
	from := trace.Client
	if k.r.IntN(6) == 0 && !k.calm {
		from = trace.Server
	}
	k.segment(from, in, out, tcpSYN, nil)
	k.segment(from.Other(), in, out, tcpSYN|tcpACK, nil)
	k.segment(from, in, out, tcpACK, nil)
}

// say goes on with a connection, or in the middle of none.
func (k *mixture) say(in, out netip.AddrPort) {
	switch k.r.IntN(8) {
	case 0:
		k.segment(trace.End(k.r.IntN(2)), in, out, tcpFIN|tcpACK, nil)
	case 1:
		k.segment(trace.End(k.r.IntN(2)), in, out, tcpRST, nil)
	case 2, 3, 4:
		name := []string{"bad.example", "good.example"}[k.r.IntN(2)]
		m, _ := craft.Hello{Name: name}.Message(k.r)
		hello, _ := craft.Records(m, nil, craft.GarbledNothing)
		cut := len(hello)
		if k.r.IntN(2) == 0 {
			cut = 20
		}
		k.segment(trace.Client, in, out, tcpPSH|tcpACK, hello[:cut])
		if cut < len(hello) {
			k.segment(trace.Client, in, out, tcpPSH|tcpACK, hello[cut:])
		}
		k.segment(trace.Server, in, out, tcpACK, craft.Random(k.r, 100))
	default:
		for range 1 + k.r.IntN(6) {
			k.segment(trace.End(k.r.IntN(2)), in, out, tcpPSH|tcpACK, craft.Random(k.r, 1+k.r.IntN(300)))
		}
	}
}

func (k *mixture) datagram(in, out netip.AddrPort, from trace.End, payload []byte) {
	ip, src, dst := turned(from, in, out)
	k.send(from, craft.UDP{SrcPort: src.Port(), DstPort: dst.Port(), Payload: payload}.Packet(ip))
}

func (k *mixture) echo(in, out netip.AddrPort) {
	from := trace.End(k.r.IntN(2))
	ip, _, _ := turned(from, in, out)
	k.send(from, craft.Echo{Payload: craft.Random(k.r, 30)}.Packet(ip))
}

// fragments are those of a datagram, at times without the last.
func (k *mixture) fragments(in, out netip.AddrPort) {
	from := trace.End(k.r.IntN(2))
	ip, src, dst := turned(from, in, out)
	k.last++
	ip.ID = k.last
	whole := craft.UDP{SrcPort: src.Port(), DstPort: dst.Port(), Payload: craft.Random(k.r, 600)}.Packet(ip)
	end := len(craft.Body(whole))
	k.send(from, craft.Fragment(whole, 0, 304, 60, k.last))
	if k.r.IntN(4) != 0 {
		k.send(from, craft.Fragment(whole, 304, end, 60, k.last))
	}
}
