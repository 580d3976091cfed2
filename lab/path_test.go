package lab

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/nfq"
	"dpilab/dpi/packet"
	"dpilab/dpi/trace"
	"dpilab/rules"
)

// harmless hits nothing that the tests of paths send.
const harmless = "rules:\n  - {rule: r, when: {sni: x.com}, do: {drop: both}, source: {ref: choice}}\n"

func policyOf(t testing.TB, text string) *rules.Compiled {
	t.Helper()
	p, err := rules.Parse("custom.yaml", []byte("policy: custom\ndate: 2026-01-01\nabout: for a path\n"+text), nil)
	require.NoError(t, err)
	c, err := p.Compile()
	require.NoError(t, err)
	return c
}

func openPath(t testing.TB, o PathOptions, elements ...trace.Element) *Path {
	t.Helper()
	if err := Missing(); err != nil {
		t.Skip(err)
	}
	p, err := OpenPath(trace.Setup{Elements: elements, Seed: 1}, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

// ip4 is an IPv4 packet with a right header checksum, between the usual ends.
func ip4(protocol, ttl byte, fragment uint16, options, payload []byte) []byte {
	b := make([]byte, 20+len(options), 20+len(options)+len(payload))
	b[0] = 0x40 | byte(len(b)/4)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)+len(payload)))
	binary.BigEndian.PutUint16(b[4:], 4711)
	binary.BigEndian.PutUint16(b[6:], fragment)
	b[8], b[9] = ttl, protocol
	copy(b[12:], []byte{198, 51, 100, 2})
	copy(b[16:], []byte{203, 0, 113, 2})
	copy(b[20:], options)
	packet.SealHeader(b)
	return append(b, payload...)
}

func ip6(next, hopLimit byte, payload []byte) []byte {
	b := make([]byte, 40, 40+len(payload))
	b[0] = 0x60
	binary.BigEndian.PutUint16(b[4:], uint16(len(payload)))
	b[6], b[7] = next, hopLimit
	copy(b[8:], []byte{0x20, 1, 0xd, 0xb8, 0, 1, 15: 2})
	copy(b[24:], []byte{0x20, 1, 0xd, 0xb8, 0, 2, 15: 2})
	return append(b, payload...)
}

// segment4 is a TCP header with a checksum that is wrong, and n bytes behind it.
func tcpBytes(flags byte, n int) []byte {
	b := make([]byte, 20+n)
	copy(b, []byte{0x9c, 0x40, 0x01, 0xbb, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, flags, 0xff, 0xff, 0xba, 0xad, 0, 0})
	for i := 20; i < len(b); i++ {
		b[i] = byte(i)
	}
	return b
}

func udpBytes(n int) []byte {
	b := make([]byte, 8+n)
	copy(b, []byte{0x9c, 0x40, 0x27, 0x0f, byte((8 + n) >> 8), byte(8 + n), 0xba, 0xad})
	for i := 8; i < len(b); i++ {
		b[i] = byte(i * 3)
	}
	return b
}

// strange are packets that a stack would stop, complete or repair.
func strange() map[string][]byte {
	return map[string][]byte{
		"tcp from nowhere, wrong checksum": ip4(6, 64, 0, nil, tcpBytes(0x18, 100)),
		"syn":                              ip4(6, 64, 0x4000, nil, tcpBytes(2, 0)),
		"no flags":                         ip4(6, 64, 0, nil, tcpBytes(0, 1)),
		"all flags":                        ip4(6, 64, 0, nil, tcpBytes(0xff, 1)),
		"tcp header cut":                   ip4(6, 64, 0, nil, []byte{1, 2, 3}),
		"ttl 1":                            ip4(6, 1, 0, nil, tcpBytes(0x10, 0)),
		"ttl 0":                            ip4(17, 0, 0, nil, udpBytes(9)),
		"udp, wrong checksum":              ip4(17, 64, 0, nil, udpBytes(31)),
		"udp, no checksum":                 ip4(17, 64, 0, nil, []byte{1, 2, 3, 4, 0, 9, 0, 0, 7}),
		"no payload at all":                ip4(17, 64, 0, nil, nil),
		"options":                          ip4(17, 64, 0, []byte{7, 7, 4, 0, 0, 0, 0, 1}, udpBytes(5)),
		"broken options":                   ip4(17, 64, 0, []byte{7, 200, 4, 0}, udpBytes(5)),
		"first fragment":                   ip4(17, 64, 0x2000, nil, udpBytes(800)),
		"later fragment":                   ip4(17, 64, 0x2000|101, nil, udpBytes(72)),
		"last fragment":                    ip4(17, 64, 202, nil, udpBytes(13)),
		"tiny fragment":                    ip4(6, 64, 0x2000, nil, tcpBytes(2, 0)[:8]),
		"icmp, wrong checksum":             ip4(1, 64, 0, nil, []byte{8, 0, 1, 2, 3, 4, 5, 6}),
		"unknown protocol":                 ip4(254, 64, 0, nil, []byte{1, 2, 3}),
		"larger than Ethernet's":           ip4(6, 64, 0, nil, tcpBytes(0x18, 9000)),
		"as large as it gets":              ip4(17, 64, 0, nil, udpBytes(65490)),
		"ipv6 tcp":                         ip6(6, 64, tcpBytes(0x18, 77)),
		"ipv6 udp, hop limit 1":            ip6(17, 1, udpBytes(7)),
		"ipv6 fragment":                    ip6(44, 64, append([]byte{17, 0, 0, 1, 0, 0, 0, 9}, udpBytes(64)...)),
		"ipv6 later fragment":              ip6(44, 64, append([]byte{17, 0, 1, 0, 0, 0, 0, 9}, udpBytes(64)...)),
		"ipv6 destination options":         ip6(60, 64, append([]byte{17, 0, 1, 4, 0, 0, 0, 0}, udpBytes(3)...)),
		"ipv6 no next header":              ip6(59, 64, []byte{1}),
	}
}

// What goes in comes out, to the last bit, either way, through one box and two.
func TestPathChangesNothing(t *testing.T) {
	calm := policyOf(t, harmless)
	for name, o := range map[string]PathOptions{"own": {}, "reference": {Reader: nfq.GoNFQueue}, "every packet": {Without: nfq.KernelAll}} {
		t.Run(name, func(t *testing.T) {
			p := openPath(t, o, trace.Element{Name: "one", Policy: calm}, trace.Element{Name: "two", Policy: calm})
			for name, packet := range strange() {
				for _, from := range []trace.End{trace.Client, trace.Server} {
					out, err := p.Send([]trace.Sent{{From: from, Data: packet}})
					require.NoError(t, err)
					require.Equal(t, []trace.Output{{At: from.Other(), Data: packet}}, out, "%s from %d", name, from)
				}
			}
		})
	}
}

// What bridge netfilter drops or cuts before any box sees it.
func TestPathBridgeNetfilter(t *testing.T) {
	p := openPath(t, PathOptions{}, trace.Element{Policy: policyOf(t, harmless)})
	good := ip4(17, 64, 0, nil, udpBytes(20))
	change := func(at int, v byte) []byte {
		b := append([]byte(nil), good...)
		b[at] = v
		if at != 10 {
			packet.SealHeader(b[:20])
		}
		return b
	}
	six := ip6(17, 64, udpBytes(20))
	six[5] += 8
	for name, packet := range map[string][]byte{
		"header checksum":            change(10, good[10]+1),
		"total length beyond":        change(3, good[3]+1),
		"total length in the header": change(3, 19),
		"header length too small":    change(0, 0x44),
		"header cut":                 good[:19],
		"version 5":                  change(0, 0x55),
		"ipv6 payload length beyond": six,
		"ipv6 header cut":            six[:39],
	} {
		out, err := p.Send([]trace.Sent{{Data: packet}})
		require.NoError(t, err)
		require.Empty(t, out, name)
	}
	out, err := p.Send([]trace.Sent{{Data: append(append([]byte(nil), good...), 1, 2, 3)}})
	require.NoError(t, err)
	require.Equal(t, []trace.Output{{At: trace.Server, Data: good}}, out, "bytes behind the packet")
}

// Packets come out in their order, however many and whichever way.
func TestPathKeepsOrder(t *testing.T) {
	calm := policyOf(t, harmless)
	p := openPath(t, PathOptions{}, trace.Element{Policy: calm}, trace.Element{Hop: true}, trace.Element{Policy: calm})
	var batch []trace.Sent
	for i := range 3000 {
		b := udpBytes(100)
		binary.BigEndian.PutUint32(b[8:], uint32(i))
		batch = append(batch, trace.Sent{From: trace.End(i / 100 % 2), Data: ip4(17, 64, 0, nil, b)})
	}
	at := time.Now()
	out, err := p.Send(batch)
	require.NoError(t, err)
	t.Logf("%v a packet", time.Since(at)/time.Duration(len(batch)))
	require.Len(t, out, len(batch))
	for i, o := range out {
		require.Equal(t, uint32(i), binary.BigEndian.Uint32(o.Data[28:]))
		require.Equal(t, batch[i].From.Other(), o.At)
	}
}

// A box that drops everything does not hide that it has decided.
func TestPathThroughAWall(t *testing.T) {
	wall := policyOf(t, "rules:\n  - {rule: all, when: {to: [0.0.0.0/0, \"::/0\"]}, do: {drop: both}, source: {ref: choice}}\n")
	p := openPath(t, PathOptions{}, trace.Element{Policy: wall})
	for _, packet := range strange() {
		out, err := p.Send([]trace.Sent{{Data: packet}})
		require.NoError(t, err)
		require.Empty(t, out)
	}
	require.Contains(t, p.Hits(), "all")
	require.Empty(t, p.Hits())
}

// Hops take from the TTL, and packets with too little end there; the header checksum stays right, or wrong.
func TestPathHops(t *testing.T) {
	calm := policyOf(t, harmless)
	hop := trace.Element{Hop: true}
	p := openPath(t, PathOptions{}, hop, hop, trace.Element{Policy: calm}, hop, hop, hop)
	for _, c := range []struct{ in, out byte }{{64, 59}, {6, 1}, {5, 0}, {1, 0}, {255, 250}} {
		var want []trace.Output
		if c.out > 0 {
			want = []trace.Output{{At: trace.Server, Data: ip4(17, c.out, 0, nil, udpBytes(9))}}
		}
		out, err := p.Send([]trace.Sent{{Data: ip4(17, c.in, 0, nil, udpBytes(9))}})
		require.NoError(t, err)
		require.Equal(t, want, out)
		want = nil
		if c.out > 0 {
			want = []trace.Output{{At: trace.Client, Data: ip6(17, c.out, udpBytes(9))}}
		}
		out, err = p.Send([]trace.Sent{{From: trace.Server, Data: ip6(17, c.in, udpBytes(9))}})
		require.NoError(t, err)
		require.Equal(t, want, out)
	}
}

// A path without a box is a wire.
func TestPathOfNothing(t *testing.T) {
	p := openPath(t, PathOptions{})
	packet := ip4(17, 64, 0, nil, udpBytes(9))
	out, err := p.Send([]trace.Sent{{From: trace.Server, Data: packet}})
	require.NoError(t, err)
	require.Equal(t, []trace.Output{{At: trace.Client, Data: packet}}, out)
	require.ErrorContains(t, p.Power("", false), `no box ""`)
}

func BenchmarkPath(b *testing.B) {
	calm := policyOf(b, harmless)
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			p, err := OpenPath(trace.Setup{Elements: []trace.Element{{Policy: calm}}}, PathOptions{})
			require.NoError(b, err)
			require.NoError(b, p.Close())
		}
	})
	packet := ip4(17, 64, 0, nil, udpBytes(100))
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprintf("send %d", n), func(b *testing.B) {
			p := openPath(b, PathOptions{Without: nfq.KernelAll}, trace.Element{Policy: calm})
			batch := make([]trace.Sent, n)
			for i := range batch {
				batch[i].Data = packet
			}
			for b.Loop() {
				out, err := p.Send(batch)
				require.NoError(b, err)
				require.Len(b, out, n)
			}
		})
	}
}
