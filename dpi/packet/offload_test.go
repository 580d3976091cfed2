package packet

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the stack leaves to the card is told from a wrong checksum, and Seal makes both right.
func TestUnfinished(t *testing.T) {
	for _, ends := range [][2]string{{"192.0.2.1:1", "192.0.2.2:443"}, {"[2001:db8::1]:1", "[2001:db8::2]:443"}} {
		src, dst := netip.MustParseAddrPort(ends[0]), netip.MustParseAddrPort(ends[1])
		for _, data := range [][]byte{
			AppendTCP(nil, src, dst, 7, 8, ACK, 64, []byte("abc")),
			append(AppendUDP(nil, src, dst, 64, []byte("abc")), 0),
		} {
			var p Packet
			require.NoError(t, p.Decode(data))
			require.True(t, p.ChecksumOK())
			require.False(t, p.Unfinished())
			field := p.checksumField()
			right := binary.BigEndian.Uint16(field)

			for _, n := range []int{len(p.Data) - p.Transport, 0} {
				binary.BigEndian.PutUint16(field, fold(p.pseudo(n)))
				require.True(t, p.Unfinished())
				require.False(t, p.ChecksumOK())
			}
			binary.BigEndian.PutUint16(field, right^0x55)
			require.False(t, p.Unfinished())
			p.Seal()
			require.True(t, p.ChecksumOK())
			require.Equal(t, right, binary.BigEndian.Uint16(field))
		}
	}
}
