package packet

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// headersOf is where the headers of a packet end that was decoded.
func headersOf(p *Packet) int {
	switch {
	case !p.HasTransport:
		return p.Transport
	case p.Protocol == TCP:
		return p.Transport + tcpLen + len(p.TCPOptions)
	}
	return p.Transport + udpLen
}

// A cut behind the headers hides bytes of the payload and nothing else, and a reset comes out as that of the whole packet.
func requireCut(t *testing.T, data []byte, cut int) {
	var whole, part Packet
	require.NoError(t, whole.Decode(append([]byte(nil), data...)))
	at := headersOf(&whole) + cut%(len(data)-headersOf(&whole)+1)
	data = append([]byte(nil), data...)
	require.NoError(t, part.DecodeCut(data[:at:at], len(data)))
	require.Equal(t, len(whole.Data) > at, part.Cut())
	require.Equal(t, whole.Data[:min(at, len(whole.Data))], part.Data)
	require.Equal(t, whole.Payload[:len(part.Payload)], part.Payload)
	require.Equal(t, whole.PayloadLength, len(whole.Payload))
	same := part
	same.Data, same.Payload = whole.Data, whole.Payload
	require.Equal(t, whole, same)
	if part.Cut() && whole.ChecksumOK() {
		require.True(t, part.ChecksumOK())
		part.Seal()
		require.Equal(t, whole.Data[:at], part.Data)
	}
	require.Equal(t, whole.ToRSTACK(), part.ToRSTACK())
	if !part.Cut() {
		require.Equal(t, whole.ChecksumOK(), part.ChecksumOK())
	}
}

func TestCutPacketsAreDecodedAsWhole(t *testing.T) {
	random, packets := rand.New(rand.NewPCG(3, 4)), append(captured(t), crafted()...)
	packets = append(packets, append(AppendUDP(nil, client4, server4, 64, []byte("padded")), 0, 0, 0))
	for range 5000 {
		requireCut(t, packets[random.IntN(len(packets))], random.IntN(2000))
	}
}

// A cut in front of where the payload begins is an error, or shortens the options; whatever length is claimed, nothing panics.
func TestCutHeaders(t *testing.T) {
	segment := AppendTCP(nil, client4, server4, 1, 2, ACK, 64, []byte("payload"))
	segment[32] = 7 << 4 // the payload is taken for seven bytes of options, and one that is missing
	segment = append(segment, 0)
	segment[3]++
	var p Packet
	for at := range ipv4Len {
		require.Error(t, p.DecodeCut(segment[:at], len(segment)))
	}
	for at := ipv4Len; at < ipv4Len+tcpLen; at++ {
		require.ErrorIs(t, p.DecodeCut(segment[:at], len(segment)), ErrTransport)
	}
	require.NoError(t, p.DecodeCut(segment[:ipv4Len+tcpLen+2], len(segment)))
	require.Len(t, p.TCPOptions, 2)
	require.Zero(t, p.PayloadLength)
	require.ErrorIs(t, p.DecodeCut(segment[:40], 47), ErrTruncated, "shorter on the wire than it says")
	for _, length := range []int{math.MinInt, -1, 0, 1, len(segment), math.MaxInt} {
		require.NoError(t, p.DecodeCut(segment, length))
		require.False(t, p.Cut())
		require.Equal(t, len(segment), p.Length)
	}
	require.NoError(t, p.DecodeCut(segment[:ipv4Len+tcpLen+2], len(segment)))
	require.Len(t, p.ToRSTACK(), ipv4Len+tcpLen)
}
