package dpi

import (
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/rules"
)

// B31 (pion/dtls#409, C; SNOW24, P): bytes of the server's answer, in a datagram that comes down.
func TestPayloadSigns(t *testing.T) {
	rule := blocks(rules.Condition{Payload: []rules.Payload{{Stretches: "0: 16 fe fd, 0x5a: 1d 00 17 00 18"}}})
	server := append([]byte{0x16, 0xfe, 0xfd}, make([]byte, 120)...)
	copy(server[0x5a:], []byte{0x1d, 0, 0x17, 0, 0x18})
	w := reads(t, nil, rule).flow()
	require.Equal(t, OffloadNone, w.udp(rules.Up, []byte{1, 2, 3}).Offload, "signs may come")
	require.Equal(t, Accept, w.udp(rules.Down, scrambled(server, 0x5b)).Action)
	require.Equal(t, Accept, w.udp(rules.Down, server[:0x5c]).Action, "cut off")
	require.Equal(t, Drop, w.udp(rules.Down, server).Action)
	require.Equal(t, Drop, w.flow().udp(rules.Up, server).Action)
	require.Equal(t, Drop, w.connect().up(server))

	// To the depth, and no further.
	w = reads(t, func(p *rules.Profile) { p.Inspect = rules.Range{Min: 4, Max: 4} }, rule).flow()
	for range 3 {
		require.Equal(t, OffloadNone, w.udp(rules.Up, []byte{1, 2, 3}).Offload)
	}
	require.Equal(t, OffloadPass, w.udp(rules.Up, []byte{1, 2, 3}).Offload)
	require.Equal(t, Accept, w.udp(rules.Down, server).Action)
}

// B23 (N4P#363, C; O169, O170): three long packets up, and the server sends more often than the client; small packets up, or anything
// that the box knows, do not count. TCP gives up on the flow at its first packet, and this is watched on.
func TestEncrypted(t *testing.T) {
	rule := blocks(rules.Condition{Trick: []rules.Trick{rules.TrickEncrypted}})
	noise := func(n int) []byte { return append([]byte{0x99}, make([]byte, n-1)...) }
	for name, c := range map[string]struct {
		up, down int // packets
		first    []byte
		size     int
		want     Action
	}{
		"O169":                       {3, 4, noise(411), 411, Drop},
		"O170: small packets":        {3, 40, noise(411), 410, Accept},
		"two long packets":           {2, 40, noise(411), 411, Accept},
		"the server sends less":      {5, 4, noise(411), 411, Accept},
		"TLS":                        {3, 8, hello("any.example"), 411, Accept},
		"too late":                   {64, 70, noise(411), 411, Accept},
		"short packets in the front": {4, 9, noise(10), 411, Drop},
	} {
		for _, udp := range []bool{false, true} {
			w := reads(t, nil, rule)
			send := func(dir rules.Direction, b []byte) Action { return w.send(dir, ack, b).Action }
			if udp {
				w.flow()
				send = func(dir rules.Direction, b []byte) Action { return w.udp(dir, b).Action }
			} else {
				w.connect()
			}
			if udp && name == "TLS" {
				c.first = initialOf("any.example", 1)
			}
			require.Equal(t, Accept, send(rules.Up, c.first))
			for range c.up - 1 {
				require.Equal(t, Accept, send(rules.Up, noise(c.size)), name)
			}
			last := Accept
			for range c.down {
				last = send(rules.Down, noise(1000))
			}
			require.Equal(t, c.want, last, "%s, udp %v", name, udp)
		}
	}
}
