package dpi

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

func (w *wire) view(t *testing.T) View {
	t.Helper()
	v, ok := w.engine.View(FlowID{Transport: 6, Inside: w.client, Outside: w.server})
	require.True(t, ok)
	return v
}

// What a View tells of a hello that comes in two segments.
func TestView(t *testing.T) {
	w := newWire(t, "profile: {reassembly: {tcp: true}}\n---\n"+b43).connect()
	v := w.view(t)
	require.EqualValues(t, 3, v.Packets)
	require.Equal(t, rules.SideInside, v.Facts.Opened)
	require.False(t, v.Facts.Known.Has(rules.FactSNI))
	require.Nil(t, v.Rule)

	h := hello("blocked.example")
	w.up(h[:60])
	v = w.view(t)
	require.True(t, v.Waits)
	require.Equal(t, []int{60, 1, 1}, []int{v.Kept, v.Pieces, v.Looked})

	w.up(h[60:])
	v = w.view(t)
	require.Equal(t, "b43", v.Rule.Name)
	require.Equal(t, rules.HelloNamed, v.Facts.Hello)
	require.NotZero(t, v.Facts.SNI)
	require.Equal(t, v.Policy.Name([]byte("blocked.example")), v.Facts.SNI)
	require.Equal(t, "blocked.example", v.Name)
	require.False(t, v.Waits)

	w.connect()
	require.Empty(t, w.view(t).Name, "another flow's packet")
	w.up(hello("allowed.example"))
	v = w.view(t)
	require.Zero(t, v.Facts.SNI)
	require.True(t, v.Facts.Known.Has(rules.FactSNI))
	for range 20 {
		w.up([]byte("more"))
	}
	require.True(t, w.view(t).Passed)

	_, ok := w.engine.View(FlowID{Transport: 17, Inside: w.client, Outside: netip.AddrPort{}})
	require.False(t, ok)
}

// A packet that no server accepts is told apart.
func TestViewOfAFake(t *testing.T) {
	w := newWire(t, "profile: {fooled by: {checksum: false}}\n---\n"+b43).connect()
	fake := packet.AppendTCP(nil, w.client, w.server, w.seq[0], w.seq[1], ack, 64, hello("allowed.example"))
	fake[len(fake)-1] ^= 1
	w.handle(rules.Up, fake)
	require.True(t, w.view(t).Doubted)
	w.down(answer)
	require.False(t, w.view(t).Doubted)
}
