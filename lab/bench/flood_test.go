package bench

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/packet"
)

// Every packet of a flood is an IP packet that routers pass on, to the address that nobody has, and differs from the one before.
func TestFloodPackets(t *testing.T) {
	for _, kind := range floodKinds {
		next, err := floodOf(kind, rand.New(rand.NewPCG(1, 2)))
		require.NoError(t, err)
		var p packet.Packet
		last := ""
		for range 1000 {
			b := next(make([]byte, etherHeader, 2048))[etherHeader:]
			require.NotEqual(t, last, string(b), kind)
			last = string(b)
			if err := p.Decode(b); err != nil {
				require.ErrorIs(t, err, packet.ErrTransport)
				require.Equal(t, "random", kind)
			}
			require.Equal(t, floodTo, packet.AddrOf(p.Dst), kind)
			require.Equal(t, byte(198), p.Src[12])
			h := append([]byte(nil), b...)
			sealed(h, 0)
			require.Equal(t, h, b, "%s: the header's checksum is right", kind)
			require.Equal(t, kind == "fragments", p.Fragment)
		}
	}
	_, err := floodOf("nothing", nil)
	require.ErrorContains(t, err, "nothing")
}

func TestFlood(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long")
	}
	live(t)
	r, err := Run(t.Context(), Options{Names: []string{"flood"}, Rounds: 1, Duration: 20 * time.Millisecond, Domains: 100})
	require.NoError(t, err)
	require.Empty(t, r.Failed)
	for _, kind := range floodKinds {
		for _, row := range []string{"offered", "handled", "memory_before", "memory_max", "memory_after", "open_stays"} {
			require.Contains(t, r.names(), "flood_"+kind+"_"+row)
		}
	}
	for _, row := range r.Rows {
		if row.Unit == "packets/s" || row.Unit == "MB resident" {
			require.Positive(t, row.Median, row.Name)
		}
	}
}
