package packet

import (
	"net/netip"
	"testing"
)

func BenchmarkDecode(b *testing.B) {
	payload := make([]byte, 1400)
	for name, data := range map[string][]byte{
		"tcp4":       AppendTCP(nil, client4, server4, 1, 2, ACK, 64, payload),
		"udp6":       AppendUDP(nil, client6, server6, 64, payload),
		"tcp6 3 ext": withExtensions(AppendTCP(nil, client6, server6, 1, 2, ACK, 64, payload), extHopByHop, extDestination, extAH),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var p Packet
			for b.Loop() {
				if p.Decode(data) != nil {
					b.Fatal("not decoded")
				}
			}
		})
	}
}

func BenchmarkChecksumOK(b *testing.B) {
	b.ReportAllocs()
	var p Packet
	if err := p.Decode(AppendTCP(nil, client4, server4, 1, 2, ACK, 64, make([]byte, 1400))); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(p.Data)))
	for b.Loop() {
		if !p.ChecksumOK() {
			b.Fatal("wrong")
		}
	}
}

func BenchmarkSetDst(b *testing.B) {
	b.ReportAllocs()
	var p Packet
	if err := p.Decode(AppendUDP(nil, client4, server4, 64, make([]byte, 1400))); err != nil {
		b.Fatal(err)
	}
	to := [2][16]byte{Bytes(netip.MustParseAddr("203.0.113.1")), Bytes(netip.MustParseAddr("203.0.113.2"))}
	for i := 0; b.Loop(); i++ {
		p.SetDst(to[i&1])
	}
}

func BenchmarkToRSTACK(b *testing.B) {
	b.ReportAllocs()
	data := AppendTCP(nil, client4, server4, 1, 2, ACK, 64, make([]byte, 1400))
	buffer := make([]byte, 60)
	var p Packet
	for b.Loop() {
		copy(buffer, data)
		buffer[ipv4Total], buffer[ipv4Total+1] = 0, 60
		_ = p.Decode(buffer)
		_ = p.ToRSTACK()
	}
}
