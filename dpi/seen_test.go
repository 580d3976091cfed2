package dpi

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

// A flow that no rule hits is left to the kernel once so many packets with payload were seen as Stats says.
func TestSeenIsTheBound(t *testing.T) {
	bounded := 0
	for _, name := range rules.ShippedNames() {
		p, err := rules.Shipped(name)
		require.NoError(t, err)
		c, err := p.Compile()
		require.NoError(t, err)
		unhit := c.Stats().Seen[0]
		if unhit.Payload < 0 {
			continue
		}
		e, now := New(Options{Policy: c, Seed: 3}), time.Hour
		client, server := netip.MustParseAddrPort("198.51.100.9:40000"), netip.MustParseAddrPort("192.0.2.99:8443")
		seq := [2]uint32{1, 1}
		var last Verdict
		send := func(dir rules.Direction, flags uint8, payload []byte) {
			now += 10 * time.Millisecond
			src, dst, side := client, server, 0
			if dir == rules.Down {
				src, dst, side = server, client, 1
			}
			last = e.Handle(now, Packet{Dir: dir, Data: packet.AppendTCP(nil, src, dst, seq[side], seq[1-side], flags, 60, payload)}, nil)[0]
			seq[side] += uint32(len(payload))
		}
		send(rules.Up, syn, nil)
		seq[0]++
		send(rules.Down, syn|ack, nil)
		seq[1]++
		for i := range unhit.Payload {
			dir := rules.Up
			if i%2 == 1 {
				dir = rules.Down
			}
			send(dir, ack, []byte{0x16, 3, 3, 0, 2, 2, byte(i)}) // handshake records without end, of which none is a hello
		}
		if e.Stats().Hit == 0 {
			bounded++
			require.Equal(t, OffloadPass, last.Offload, name)
		}
	}
	require.Greater(t, bounded, 5, "too few policies with a bound to say anything")
}
