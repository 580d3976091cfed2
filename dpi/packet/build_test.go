package packet

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAppendAgreesWithGopacket(t *testing.T) {
	for _, ends := range [][2]netip.AddrPort{{client4, server4}, {client6, server6}} {
		for n := range 70 {
			payload := make([]byte, n)
			for i := range payload {
				payload[i] = byte(i*7 + n)
			}
			prefix := []byte("before")
			for _, data := range [][]byte{
				AppendTCP(prefix, ends[0], ends[1], 0xfffffff0, 77, PSH|ACK, 61, payload),
				AppendUDP(prefix, ends[0], ends[1], 61, payload),
			} {
				require.Equal(t, prefix, data[:len(prefix)])
				data = data[len(prefix):]
				require.Equal(t, serialized(t, data), data)
				var p Packet
				require.NoError(t, p.Decode(data))
				require.True(t, p.ChecksumOK())
				require.Equal(t, string(payload), string(p.Payload))
				require.Equal(t, ends[0].Addr(), AddrOf(p.Src))
				require.EqualValues(t, 61, p.TTL)
			}
		}
	}
}

func TestAppendRefusesWhatCannotBe(t *testing.T) {
	prefix := []byte("before")
	require.Equal(t, prefix, AppendTCP(prefix, client4, server6, 0, 0, SYN, 64, nil))
	require.Equal(t, prefix, AppendUDP(prefix, client4, server4, 64, make([]byte, 0xffff-ipv4Len-udpLen+1)))
	require.Equal(t, prefix, AppendUDP(prefix, client6, server6, 64, make([]byte, 0xffff-udpLen+1)))
	require.Len(t, AppendUDP(nil, client4, server4, 64, make([]byte, 0xffff-ipv4Len-udpLen)), 0xffff)
}

func TestAddressForms(t *testing.T) {
	for _, s := range []string{"198.51.100.2", "2001:db8::1", "::"} {
		require.Equal(t, s, AddrOf(Bytes(netip.MustParseAddr(s))).String())
	}
	require.Equal(t, [16]byte{}, Bytes(netip.Addr{}))
}

func ExamplePacket_ToRSTACK() {
	client, server := netip.MustParseAddrPort("198.51.100.2:50000"), netip.MustParseAddrPort("203.0.113.10:443")
	data := AppendTCP(nil, server, client, 1000, 2000, PSH|ACK, 58, []byte("ServerHello"))

	var p Packet
	if err := p.Decode(data); err != nil {
		panic(err)
	}
	reset := p.ToRSTACK()
	fmt.Println(len(data), len(reset), p.Flags == RST|ACK, p.Seq, p.Ack, p.TTL)
	// Output: 51 40 true 1000 2000 58
}
