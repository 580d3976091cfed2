package main

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/packet"
)

// Both directions are one stream, whatever address is the larger one; another port is another stream.
func TestStreamID(t *testing.T) {
	for _, pair := range [][2]string{{"192.0.2.1:5", "198.51.100.1:7"}, {"[2001:db8::2]:7", "[2001:db8::1]:7"}, {"192.0.2.1:5", "192.0.2.1:4"}} {
		a, b := netip.MustParseAddrPort(pair[0]), netip.MustParseAddrPort(pair[1])
		id := streamID(packet.AppendUDP(nil, a, b, 64, nil))
		require.Equal(t, id, streamID(packet.AppendUDP(nil, b, a, 64, []byte("x"))))
		require.NotEqual(t, id, streamID(packet.AppendUDP(nil, netip.AddrPortFrom(a.Addr(), 9), b, 64, nil)))
		require.NotEqual(t, id, streamID(packet.AppendTCP(nil, a, b, 0, 0, 0, 64, nil)))
	}
	streamID([]byte{1}) // no packet
}
