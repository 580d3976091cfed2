package matrix

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/packet"
)

// A packet that a card was to cut comes to the box in pieces of the link's size, whole and with right checksums.
func TestCutToSize(t *testing.T) {
	in, out := netip.MustParseAddrPort("198.51.100.2:40000"), netip.MustParseAddrPort("203.0.113.34:443")
	payload := strings.Repeat("0123456789", 500)
	for name, from := range map[string][2]netip.AddrPort{
		"IPv4": {in, out}, "IPv6": {netip.MustParseAddrPort("[2001:db8:1::2]:40000"), netip.MustParseAddrPort("[2001:db8:20::2]:443")},
	} {
		s := &seen{}
		require.NoError(t, s.Decode(packet.AppendTCP(nil, from[0], from[1], 1000, 7, packet.ACK|packet.PSH|packet.FIN, 64, []byte(payload))))
		var got string
		pieces := cutToSize(s, nil)
		for i, p := range pieces {
			require.LessOrEqual(t, p.Length, mtu, name)
			require.True(t, p.ChecksumOK(), name)
			require.EqualValues(t, 1000+len(got), p.Seq, name)
			require.Equal(t, i == len(pieces)-1, p.Flags&packet.FIN != 0, name)
			got += string(p.Payload)
		}
		require.Equal(t, payload, got, name)
	}

	s := &seen{up: true}
	require.NoError(t, s.Decode(packet.AppendUDP(nil, in, out, 64, []byte(payload))))
	pieces := cutToSize(s, map[way]int{{s.flow(), true}: 1252})
	require.Len(t, pieces, 4)
	require.Len(t, pieces[0].Payload, 1252, "as the flow's others")
	require.Len(t, pieces[3].Payload, 5000-3*1252)
	require.True(t, pieces[3].ChecksumOK())
}

// Checksums that the card was to finish are finished; one that a tool made wrong stays wrong.
func TestChecksumsForTheBox(t *testing.T) {
	in, out := netip.MustParseAddrPort("198.51.100.2:40000"), netip.MustParseAddrPort("203.0.113.34:443")
	data := packet.AppendTCP(nil, in, out, 1, 1, packet.ACK, 64, []byte("x"))
	data[len(data)-1]++
	s := &seen{}
	require.NoError(t, s.Decode(data))
	require.False(t, cutToSize(s, nil)[0].ChecksumOK())
}

func FuzzCutToSize(f *testing.F) {
	in, out := netip.MustParseAddrPort("198.51.100.2:40000"), netip.MustParseAddrPort("203.0.113.34:443")
	in6, out6 := netip.MustParseAddrPort("[2001:db8:1::2]:40000"), netip.MustParseAddrPort("[2001:db8:20::2]:443")
	long := []byte(strings.Repeat("x", 4000))
	for _, seed := range [][]byte{
		packet.AppendTCP(nil, in, out, 1, 1, packet.ACK, 64, long), packet.AppendTCP(nil, in6, out6, 1, 1, packet.ACK, 64, long),
		packet.AppendUDP(nil, in, out, 64, long), packet.AppendUDP(nil, in6, out6, 64, long), {0x45},
	} {
		f.Add(seed, 1200)
	}
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		s := &seen{}
		if s.Decode(data) != nil {
			return
		}
		want := string(s.Payload)
		pieces := cutToSize(s, map[way]int{{s.flow(), false}: size % 3000})
		require.NotEmpty(t, pieces)
		got := ""
		for _, p := range pieces {
			got += string(p.Payload)
		}
		require.Equal(t, want, got)
	})
}
