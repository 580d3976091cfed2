package packet

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	client4 = netip.MustParseAddrPort("198.51.100.2:50000")
	server4 = netip.MustParseAddrPort("203.0.113.10:443")
	client6 = netip.MustParseAddrPort("[2001:db8:1::2]:50000")
	server6 = netip.MustParseAddrPort("[2001:db8:2::10]:443")
)

func TestDecodeAgreesWithGopacketOnCaptures(t *testing.T) {
	var p Packet
	for _, data := range captured(t) {
		require.NoError(t, p.Decode(data))
		decoded, ok := twin(data)
		require.True(t, ok)
		requireTwin(t, &p, decoded)
		require.True(t, p.ChecksumOK(), "%x", data)
	}
}

func TestDecodeAgreesWithGopacketOnMutations(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	seeds := append(captured(t), crafted()...)
	var p Packet
	both := 0
	for range 50_000 {
		data := append([]byte(nil), seeds[random.IntN(len(seeds))]...)
		for range 1 + random.IntN(3) {
			data[random.IntN(min(len(data), 80))] = byte(random.Uint32())
		}
		if random.IntN(4) == 0 {
			data = data[:random.IntN(len(data))]
		}
		if p.Decode(data) != nil {
			continue
		}
		requireInRange(t, &p, data)
		if decoded, ok := twin(data); ok {
			both++
			requireTwin(t, &p, decoded)
		}
	}
	require.Greater(t, both, 10_000)
}

// crafted gives packets of kinds that the captures lack.
func crafted() [][]byte {
	return [][]byte{
		AppendTCP(nil, client6, server6, 1, 2, SYN, 64, nil),
		AppendTCP(nil, client6, server6, 1, 2, ACK|PSH, 64, []byte("hello")),
		AppendUDP(nil, client6, server6, 64, []byte("odd")),
		AppendUDP(nil, client4, server4, 64, nil),
		withExtensions(AppendTCP(nil, client6, server6, 1, 2, ACK, 64, []byte("hello")), extHopByHop, extDestination),
		withExtensions(AppendUDP(nil, client6, server6, 64, []byte("hello")), extFragment),
	}
}

// withExtensions puts minimal extension headers, eight bytes each (AH twelve), between IPv6 and what it carries.
func withExtensions(data []byte, kinds ...uint8) []byte {
	var chain []byte
	next := data[ipv6Next]
	for i := len(kinds) - 1; i >= 0; i-- {
		header := make([]byte, 8)
		header[0] = next
		switch kinds[i] {
		case extAH:
			header = append(header, 0, 0, 0, 0)
			header[1] = 1
		case extHopByHop, extDestination:
			copy(header[2:], []byte{1, 4}) // PadN
		}
		chain = append(header, chain...)
		next = kinds[i]
	}
	out := append([]byte(nil), data[:ipv6Len]...)
	out[ipv6Next] = next
	out = append(append(out, chain...), data[ipv6Len:]...)
	binary.BigEndian.PutUint16(out[ipv6Length:], uint16(len(out)-ipv6Len))
	return out
}

func TestDecodeSkipsExtensionHeaders(t *testing.T) {
	plain := AppendTCP(nil, client6, server6, 7, 8, ACK, 64, []byte("hello"))
	data := withExtensions(plain, extHopByHop, extDestination, extRouting, extFragment, extAH, extDestination)
	var p Packet
	require.NoError(t, p.Decode(data))
	require.Equal(t, ipv6Len+5*8+12, p.Transport)
	require.EqualValues(t, 443, p.DstPort)
	require.Equal(t, "hello", string(p.Payload))
	require.False(t, p.Fragment, "an atomic fragment is whole (RFC 6946)")
	require.True(t, p.ChecksumOK())

	bounded := make([]uint8, maxExtensions)
	for i := range bounded {
		bounded[i] = extDestination
	}
	require.NoError(t, p.Decode(withExtensions(plain, bounded...)))
	require.ErrorIs(t, p.Decode(withExtensions(plain, append(bounded, extDestination)...)), ErrExtensions)
}

func TestDecodeKnowsTheFinalDestinationOfARoutingHeader(t *testing.T) {
	// RFC 8200, section 8.1: with segments left, the checksum covers the last address of the header.
	plain := AppendUDP(nil, client6, server6, 64, []byte("hello"))
	header := append([]byte{UDP, 2, 2, 1, 0, 0, 0, 0}, plain[ipv6Dst:ipv6Len]...)
	data := append(append(append([]byte(nil), plain[:ipv6Len]...), header...), plain[ipv6Len:]...)
	data[ipv6Next] = extRouting
	binary.BigEndian.PutUint16(data[ipv6Length:], uint16(len(data)-ipv6Len))
	data[ipv6Dst+15]++ // the next stop

	var p Packet
	require.NoError(t, p.Decode(data))
	require.True(t, p.ChecksumOK())
	p.SetDst(Bytes(netip.MustParseAddr("2001:db8::99")))
	require.NoError(t, p.Decode(p.Data))
	require.True(t, p.ChecksumOK())
}

func TestDecodeCutsPadding(t *testing.T) {
	// Ethernet pads to 46 bytes; the padding is no payload.
	data := AppendTCP(nil, client4, server4, 1, 2, ACK, 64, nil)
	var p Packet
	require.NoError(t, p.Decode(append(data, 0, 0, 0, 0, 0, 0)))
	require.Len(t, p.Data, 40)
	require.Empty(t, p.Payload)
}

func TestDecodeFragments(t *testing.T) {
	whole := AppendUDP(nil, client4, server4, 64, make([]byte, 64))
	first, later, tiny := append([]byte(nil), whole[:60]...), append([]byte(nil), whole[:40]...), append([]byte(nil), whole[:24]...)
	for _, f := range []struct {
		data     []byte
		fragment uint16
	}{{first, moreFragments}, {later, 5}, {tiny, moreFragments}} {
		binary.BigEndian.PutUint16(f.data[ipv4Total:], uint16(len(f.data)))
		binary.BigEndian.PutUint16(f.data[ipv4Fragment:], f.fragment)
	}
	var p Packet
	require.NoError(t, p.Decode(first))
	require.True(t, p.Fragment && p.MoreFragments && p.HasTransport)
	require.Len(t, p.Payload, 32)

	require.NoError(t, p.Decode(later))
	require.True(t, p.Fragment)
	require.False(t, p.MoreFragments || p.HasTransport)
	require.Equal(t, 40, p.FragOffset)
	require.Len(t, p.Payload, 20)
	require.Zero(t, p.DstPort)

	require.NoError(t, p.Decode(tiny))
	require.True(t, p.Fragment)
	require.False(t, p.HasTransport)
	require.Len(t, p.Payload, 4)
}

func TestDecodeFragmentsOfIPv6(t *testing.T) {
	data := withExtensions(AppendUDP(nil, client6, server6, 64, make([]byte, 64)), extFragment)
	copy(data[ipv6Len+2:], []byte{0x05, 0xa9, 1, 2, 3, 4})
	var p Packet
	require.NoError(t, p.Decode(data))
	require.True(t, p.Fragment && p.MoreFragments)
	require.Equal(t, 1448, p.FragOffset)
	require.EqualValues(t, 0x01020304, p.FragID)
	require.False(t, p.HasTransport)
}

func TestDecodeErrors(t *testing.T) {
	tcp := func(change func(b []byte) []byte) []byte {
		return change(AppendTCP(nil, client4, server4, 1, 2, ACK, 64, []byte("hello")))
	}
	set := func(at int, values ...byte) func([]byte) []byte {
		return func(b []byte) []byte { copy(b[at:], values); return b }
	}
	udp := func(length ...byte) []byte {
		return set(ipv4Len+udpLength, length...)(AppendUDP(nil, client4, server4, 64, []byte("hello")))
	}
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"empty":                      {nil, ErrVersion},
		"version 5":                  {[]byte{0x55, 0, 0}, ErrVersion},
		"half an IPv4 header":        {tcp(func(b []byte) []byte { return b[:19] }), ErrTruncated},
		"half an IPv6 header":        {crafted()[0][:39], ErrTruncated},
		"IHL 4":                      {tcp(set(0, 0x44)), ErrHeader},
		"total shorter than header":  {tcp(set(ipv4Total, 0, 19)), ErrHeader},
		"total longer than data":     {tcp(set(ipv4Total, 1, 0)), ErrTruncated},
		"IPv6 length beyond data":    {set(ipv6Length, 1, 0)(crafted()[0]), ErrTruncated},
		"extension beyond data":      {set(ipv6Len+1, 200)(crafted()[4]), ErrTruncated},
		"data offset 4":              {tcp(set(ipv4Len+tcpOffset, 0x40)), ErrTransport},
		"data offset beyond data":    {tcp(set(ipv4Len+tcpOffset, 0xf0)), ErrTransport},
		"TCP header cut":             {tcp(set(ipv4Total, 0, 39)), ErrTransport},
		"UDP length beyond data":     {udp(0, 14), ErrTransport},
		"UDP length below header":    {udp(0, 7), ErrTransport},
		"AH shorter than any header": {set(ipv6Len, 51, 0, 0, 0, 0, 0, 0, 0, 6, 255)(set(ipv6Next, extAH)(crafted()[0])), ErrTruncated},
	} {
		var p Packet
		require.ErrorIs(t, p.Decode(c.data), c.want, name)
		require.False(t, p.HasTransport, name)
		require.Equal(t, c.want == ErrTransport, p.Version != 0, "%s: IP fields after ErrTransport only", name)
	}
}

func TestDecodeDoesNotAllocate(t *testing.T) {
	packets := append(captured(t), crafted()...)
	var p Packet
	require.Zero(t, testing.AllocsPerRun(100, func() {
		for _, data := range packets {
			_ = p.Decode(data)
			_ = p.ChecksumOK()
		}
	}))
}
