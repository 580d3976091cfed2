package packet

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/stretchr/testify/require"
)

// serialized is what gopacket's serializer makes of a packet with its lengths and checksums computed afresh.
func serialized(t *testing.T, data []byte) []byte {
	t.Helper()
	decoded, ok := twin(data)
	require.True(t, ok)
	var stack []gopacket.SerializableLayer
	for _, layer := range decoded.Layers() {
		switch above := layer.(type) {
		case *layers.TCP:
			require.NoError(t, above.SetNetworkLayerForChecksum(decoded.NetworkLayer()))
			stack = append(stack, above, gopacket.Payload(above.Payload))
		case *layers.UDP:
			require.NoError(t, above.SetNetworkLayerForChecksum(decoded.NetworkLayer()))
			stack = append(stack, above, gopacket.Payload(above.Payload))
		case *layers.IPv4:
			stack = append(stack, above)
		case *layers.IPv6:
			stack = append(stack, above)
		}
	}
	buffer := gopacket.NewSerializeBuffer()
	require.NoError(t, gopacket.SerializeLayers(buffer, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, stack...))
	return buffer.Bytes()
}

func TestToRSTACK(t *testing.T) {
	// Spec B01: the server's packet itself, cut to no payload, flags RST and ACK, TTL and IP-ID its own.
	resets := 0
	for _, data := range append(captured(t), crafted()[:2]...) {
		data = append([]byte(nil), data...)
		var before, after Packet
		require.NoError(t, before.Decode(data))
		p := before
		out := p.ToRSTACK()
		if before.Protocol != TCP {
			require.Nil(t, out)
			continue
		}
		resets++
		require.Equal(t, serialized(t, out), out)
		require.NoError(t, after.Decode(out))
		require.Equal(t, after, p, "p describes the new packet")
		require.True(t, after.ChecksumOK())
		require.EqualValues(t, RST|ACK, after.Flags)
		require.Empty(t, after.Payload)
		require.Empty(t, after.TCPOptions)
		for _, pair := range [][2]any{
			{before.Seq, after.Seq}, {before.Ack, after.Ack}, {before.TTL, after.TTL}, {before.IPID, after.IPID},
			{before.Src, after.Src}, {before.Dst, after.Dst}, {before.SrcPort, after.SrcPort}, {before.DstPort, after.DstPort},
		} {
			require.Equal(t, pair[0], pair[1])
		}
	}
	require.Greater(t, resets, 30)
}

func TestToRSTACKKeepsExtensionHeaders(t *testing.T) {
	var p Packet
	require.NoError(t, p.Decode(withExtensions(AppendTCP(nil, client6, server6, 1, 2, ACK, 64, []byte("hello")), extHopByHop)))
	require.Len(t, p.ToRSTACK(), ipv6Len+8+tcpLen)
	require.NoError(t, p.Decode(p.Data))
	require.True(t, p.ChecksumOK())
}

func TestToRSTACKRefusesFragments(t *testing.T) {
	data := AppendTCP(nil, client4, server4, 1, 2, ACK, 64, []byte("hello"))
	data[ipv4Fragment] = moreFragments >> 8
	want := append([]byte(nil), data...)
	var p Packet
	require.NoError(t, p.Decode(data))
	require.Nil(t, p.ToRSTACK())
	require.Equal(t, want, data)
}

func TestSetAddressAgreesWithGopacket(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		a, b, c, d := randomEnds(random)
		payload := make([]byte, random.IntN(40))
		data := AppendTCP(nil, a, b, random.Uint32(), random.Uint32(), ACK, 64, payload)
		if random.IntN(2) == 0 {
			data = AppendUDP(nil, a, b, 64, payload)
		}
		var p Packet
		require.NoError(t, p.Decode(data))
		p.SetSrc(Bytes(c.Addr()))
		p.SetDst(Bytes(d.Addr()))
		require.True(t, p.ChecksumOK())
		want := serialized(t, data)
		if p.Protocol == UDP && want[p.Transport+udpChecksum]|want[p.Transport+udpChecksum+1] == 0 {
			continue // gopacket writes a computed 0 as 0
		}
		require.Equal(t, want, data)

		var again Packet
		require.NoError(t, again.Decode(data))
		require.Equal(t, again, p)
	}
}

func randomEnds(random *rand.Rand) (a, b, c, d netip.AddrPort) {
	is6 := random.IntN(2) == 0
	ends := []*netip.AddrPort{&a, &b, &c, &d}
	for _, end := range ends {
		raw := [16]byte{10: 0xff, 11: 0xff}
		from := 12
		if is6 {
			raw[0], from = 0x20, 1
		}
		for i := from; i < 16; i++ {
			raw[i] = byte(random.Uint32() * random.Uint32() % 3 * 0x7f) // 0, 127 and 254: many carries and zeros
		}
		*end = netip.AddrPortFrom(AddrOf(raw), uint16(random.Uint32())|0xc000) // above the ports that gopacket decodes
	}
	return a, b, c, d
}

func TestSetAddressChecksumsOfUDP(t *testing.T) {
	data := AppendUDP(nil, client4, server4, 64, []byte("hello"))
	var p Packet
	require.NoError(t, p.Decode(data))

	// A wrong checksum stays wrong: the box does not repair what it did not break.
	data[ipv4Len+udpChecksum] ^= 0x40
	p.SetDst(Bytes(netip.MustParseAddr("203.0.113.77")))
	require.False(t, p.ChecksumOK())

	// None stays none (RFC 768).
	data[ipv4Len+udpChecksum], data[ipv4Len+udpChecksum+1] = 0, 0
	p.SetDst(Bytes(netip.MustParseAddr("203.0.113.78")))
	require.Equal(t, []byte{0, 0}, data[ipv4Len+udpChecksum:ipv4Len+udpLen])
	require.True(t, p.ChecksumOK())
}

func TestChecksumOfUDPIsNeverZero(t *testing.T) {
	// Of all 65536 values of two payload bytes, one gives a computed checksum of 0: it goes out as 0xffff.
	ones := 0
	for i := range 1 << 16 {
		data := AppendUDP(nil, client4, server4, 64, []byte{byte(i >> 8), byte(i)})
		checksum := [2]byte(data[ipv4Len+udpChecksum:])
		require.NotEqual(t, [2]byte{}, checksum)
		if checksum == [2]byte{0xff, 0xff} {
			ones++
			var p Packet
			require.NoError(t, p.Decode(data))
			require.True(t, p.ChecksumOK())
			p.SetSrc(p.Src)
			require.Equal(t, checksum, [2]byte(data[ipv4Len+udpChecksum:]))
		}
	}
	require.Equal(t, 1, ones)
}

func TestSetAddressKeepsFamily(t *testing.T) {
	for _, data := range [][]byte{crafted()[0], AppendUDP(nil, client4, server4, 64, nil)} {
		want := append([]byte(nil), data...)
		var p Packet
		require.NoError(t, p.Decode(data))
		other := client6.Addr()
		if p.Version == 6 {
			other = client4.Addr()
		}
		p.SetSrc(Bytes(other))
		p.SetDst(Bytes(other))
		require.Equal(t, want, p.Data)
	}
}

func TestSetAddressOfFragments(t *testing.T) {
	whole := AppendUDP(nil, client4, server4, 64, make([]byte, 64))
	first := append([]byte(nil), whole[:60]...)
	first[ipv4Total+1], first[ipv4Fragment] = 60, moreFragments>>8
	later := append([]byte(nil), whole[:40]...)
	later[ipv4Total+1], later[ipv4Fragment], later[ipv4Fragment+1] = 40, 0, 5
	to := netip.AddrPortFrom(netip.MustParseAddr("203.0.113.99"), 443)
	want := AppendUDP(nil, client4, to, 64, make([]byte, 64))

	var p Packet
	require.NoError(t, p.Decode(first))
	p.SetDst(Bytes(to.Addr()))
	require.Equal(t, want[ipv4Len:60], first[ipv4Len:], "the whole's checksum follows")
	body := append([]byte(nil), later[ipv4Len:]...)
	require.NoError(t, p.Decode(later))
	p.SetDst(Bytes(to.Addr()))
	require.Equal(t, body, later[ipv4Len:])
}

func TestRewritingDoesNotAllocate(t *testing.T) {
	buffer := make([]byte, 0, 2048)
	payload := make([]byte, 1000)
	var p Packet
	for _, ends := range [][2]netip.AddrPort{{client4, server4}, {client6, server6}} {
		require.Zero(t, testing.AllocsPerRun(100, func() {
			data := AppendTCP(buffer, ends[0], ends[1], 1, 2, ACK, 64, payload)
			_ = p.Decode(data)
			p.SetSrc(p.Dst)
			p.SetDst(p.Src)
			_ = p.ToRSTACK()
			_ = AppendUDP(buffer, ends[0], ends[1], 64, payload)
		}))
	}
}
