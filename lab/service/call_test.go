package service

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/stun/v3"
	"github.com/stretchr/testify/require"
)

func dialUDP(t *testing.T, a net.Addr) net.Conn {
	t.Helper()
	c, err := net.Dial("udp", a.String())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestCall(t *testing.T) {
	noLeaks(t)
	s := running(t, Relay(t.Context(), listenUDP(t)))
	conn := dialUDP(t, s.Addr())
	for range 2 { // the connection stays the caller's, and usable
		r, err := Call(soon(t), conn, CallOptions{For: 500 * time.Millisecond})
		require.NoError(t, err)
		require.True(t, r.STUN)
		require.Equal(t, conn.LocalAddr().String(), r.Mapped.String())
		require.Equal(t, 25, r.Sent)
		require.Equal(t, 25, r.Received)
		require.Zero(t, r.Loss)
		require.Positive(t, r.RTT)
		require.False(t, r.Refused)
	}
}

// lossy passes a share of packets to the relay behind it, and counts what reached it.
type lossy struct {
	net.PacketConn
	pass func(p []byte) bool
}

func (l lossy) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		n, from, err := l.PacketConn.ReadFrom(p)
		if err != nil || l.pass(p[:n]) {
			return n, from, err
		}
	}
}

func TestCallCountsLoss(t *testing.T) {
	noLeaks(t)
	var n atomic.Int32
	s := running(t, Relay(t.Context(), lossy{listenUDP(t), func(p []byte) bool {
		return stun.IsMessage(p) || n.Add(1)%4 != 0
	}}))
	r, err := Call(soon(t), dialUDP(t, s.Addr()), CallOptions{For: 400 * time.Millisecond, Rate: 100, Size: 20})
	require.NoError(t, err)
	require.Equal(t, 40, r.Sent)
	require.Equal(t, 30, r.Received)
	require.InDelta(t, 0.25, r.Loss, 1e-9)
}

// The first requests are lost, a later one is answered: its tries and time say so.
func TestSTUNRetransmits(t *testing.T) {
	var n atomic.Int32
	s := running(t, Relay(t.Context(), lossy{listenUDP(t), func(p []byte) bool { return !stun.IsMessage(p) || n.Add(1) > 2 }}))
	r, err := Call(soon(t), dialUDP(t, s.Addr()), CallOptions{For: 600 * time.Millisecond})
	require.NoError(t, err)
	require.True(t, r.STUN)
	require.GreaterOrEqual(t, r.STUNTries, 3)
	require.GreaterOrEqual(t, r.STUNRTT, 120*time.Millisecond) // 3 RTO of 40 ms
}

// A dropped STUN is a result, and no media follows it. Giving up takes what For says.
func TestCallWithoutSTUN(t *testing.T) {
	noLeaks(t)
	silent := listenUDP(t)
	defer silent.Close()
	start := time.Now()
	r, err := Call(soon(t), dialUDP(t, silent.LocalAddr()), CallOptions{For: 300 * time.Millisecond})
	require.NoError(t, err)
	require.Equal(t, CallResult{STUNTries: stunRc}, r)
	require.GreaterOrEqual(t, time.Since(start), 299*time.Millisecond)

	gone := listenUDP(t)
	gone.Close()
	r, err = Call(soon(t), dialUDP(t, gone.LocalAddr()), CallOptions{For: 300 * time.Millisecond})
	require.NoError(t, err)
	require.False(t, r.STUN)
	require.True(t, r.Refused)
}

func TestCallEndsWithItsContext(t *testing.T) {
	noLeaks(t)
	silent := listenUDP(t)
	defer silent.Close()
	relay := running(t, Relay(t.Context(), listenUDP(t)))
	for _, to := range []net.Addr{silent.LocalAddr(), relay.Addr()} {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_, err := Call(ctx, dialUDP(t, to), CallOptions{For: time.Minute})
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded)
	}
}

func TestCallOptions(t *testing.T) {
	for _, o := range []CallOptions{{For: time.Millisecond}, {For: time.Hour}, {Size: 1401}} {
		_, err := Call(t.Context(), nil, o)
		require.Error(t, err)
	}
	o, err := CallOptions{}.withDefaults()
	require.NoError(t, err)
	require.Equal(t, 150, o.packets())
}

func TestRelayIsSilentToOtherThings(t *testing.T) {
	from := &net.UDPAddr{IP: net.IPv4(198, 51, 100, 2), Port: 4000}
	request := stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.Fingerprint).Raw
	answer := new(stun.Message)
	require.NoError(t, stun.Decode(relayAnswer(request, from), answer))
	require.NoError(t, stun.Fingerprint.Check(answer))
	var mapped stun.XORMappedAddress
	require.NoError(t, mapped.GetFrom(answer))
	require.Equal(t, netip.MustParseAddrPort("198.51.100.2:4000").String(), mapped.String())

	broken := append([]byte{}, request...)
	broken[len(broken)-1]++
	media := append([]byte{0x80, 120}, make([]byte, 10)...)
	require.Equal(t, media, relayAnswer(media, from))
	for name, p := range map[string][]byte{
		"nothing": nil, "text": []byte("hello, is there anybody"), "short media": media[:11], "broken fingerprint": broken,
		"cut": request[:24], "answer": stun.MustBuild(stun.TransactionID, stun.BindingSuccess).Raw,
	} {
		require.Nil(t, relayAnswer(p, from), name)
	}
}

// The running estimate against the formula written out (RFC 3550, 6.4.1, A.8).
func TestJitterAgainstTheFormula(t *testing.T) {
	s := newStream(100)
	var transit []float64
	for i := range 100 {
		rtt := time.Duration(20e6 + rand.IntN(10e6))
		transit = append(transit, float64(rtt))
		s.received(i, rtt)
		s.received(i, rtt*3) // a duplicate changes nothing
	}
	j := 0.0
	for i := 1; i < len(transit); i++ {
		d := transit[i] - transit[i-1]
		if d < 0 {
			d = -d
		}
		j = j + (d-j)/16
	}
	require.InDelta(t, j, s.jitter, 1)
	require.Len(t, s.rtts, 100)
}

// Sequence numbers wrap, and strangers' packets are not counted.
func TestStreamKnowsItsPackets(t *testing.T) {
	s := newStream(10)
	s.first = 65530
	buf := make([]byte, rtpHeader)
	for i := range 10 {
		require.Equal(t, i, s.index(s.packet(buf, i, time.Second)))
	}
	require.Equal(t, -1, s.index(s.packet(buf, 10, 0)))
	s.packet(buf, 0, 0)[8]++
	require.Equal(t, -1, s.index(buf))
	require.Equal(t, -1, s.index(buf[:5]))
}

func FuzzRelay(f *testing.F) {
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.Fingerprint).Raw)
	f.Add(append([]byte{0x80, 120}, make([]byte, 10)...))
	from := &net.UDPAddr{IP: net.ParseIP("2001:db8::2"), Port: 4000}
	f.Fuzz(func(t *testing.T, p []byte) { relayAnswer(p, from) })
}
