package service

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/inspect"
)

func TestWireGuard(t *testing.T) {
	noLeaks(t)
	s := running(t, RespondWireGuard(t.Context(), listenUDP(t)))
	conn := dialUDP(t, s.Addr())
	for range 2 { // the connection stays the caller's, and usable
		r, err := WireGuard(soon(t), conn, WireGuardOptions{Messages: 5})
		require.NoError(t, err)
		require.Positive(t, r.Handshake)
		require.Equal(t, 5, r.Sent)
		require.Equal(t, 5, r.Received)
	}
}

// The stand-in is what the box takes for WireGuard, and ends with the first message that is not answered.
func TestWireGuardThatIsCut(t *testing.T) {
	var seen [][]byte
	pc := lossy{listenUDP(t), func(p []byte) bool {
		seen = append(seen, bytes.Clone(p))
		return len(seen) <= 3
	}}
	s := running(t, RespondWireGuard(t.Context(), pc))
	r, err := WireGuard(soon(t), dialUDP(t, s.Addr()), WireGuardOptions{Timeout: 100 * time.Millisecond})
	require.NoError(t, err)
	require.Positive(t, r.Handshake)
	require.Equal(t, 3, r.Sent)
	require.Equal(t, 2, r.Received)
	require.NoError(t, s.Close())
	require.True(t, inspect.IsWireGuard(seen[0]))
	for _, data := range seen[1:] {
		require.True(t, inspect.IsUDPData(inspect.LooksWireGuard, data))
	}
}

func TestWireGuardWithoutAnAnswer(t *testing.T) {
	silent := listenUDP(t)
	defer silent.Close()
	r, err := WireGuard(soon(t), dialUDP(t, silent.LocalAddr()), WireGuardOptions{Timeout: 50 * time.Millisecond})
	require.NoError(t, err)
	require.Equal(t, WireGuardResult{}, r)

	gone := listenUDP(t)
	addr := gone.LocalAddr()
	require.NoError(t, gone.Close())
	r, err = WireGuard(soon(t), dialUDP(t, addr), WireGuardOptions{})
	require.NoError(t, err)
	require.Equal(t, WireGuardResult{Refused: true}, r)
}

func TestWireGuardEndsWithTheContext(t *testing.T) {
	silent := listenUDP(t)
	defer silent.Close()
	ctx := soon(t)
	c, err := net.Dial("udp", silent.LocalAddr().String())
	require.NoError(t, err)
	defer c.Close()
	ended, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	_, err = WireGuard(ended, c, WireGuardOptions{})
	require.Error(t, err)
}

func FuzzWireGuardAnswer(f *testing.F) {
	f.Add(wireGuardMessage(wgInitiation, wgInitiationSize))
	f.Add(wireGuardMessage(wgTransport, wgTransportLeast))
	f.Add([]byte{4, 0, 0, 0})
	f.Fuzz(func(t *testing.T, packet []byte) {
		answer := wireGuardAnswer(bytes.Clone(packet))
		if answer == nil {
			return
		}
		require.LessOrEqual(t, len(answer), len(packet), "nothing that amplifies")
		switch binary.LittleEndian.Uint32(answer) {
		case wgResponse:
			require.Len(t, answer, wgResponseSize)
			require.Equal(t, packet[4:8], answer[8:12])
		case wgTransport:
			require.Equal(t, packet[8:], answer[8:])
		default:
			t.Fatalf("% x", answer[:4])
		}
	})
}

func TestEchoHeads(t *testing.T) {
	noLeaks(t)
	s := running(t, EchoHeads(t.Context(), listenUDP(t), 4))
	conn := dialUDP(t, s.Addr())
	for sent, want := range map[string]string{"a datagram": "a da", "ab": "ab"} {
		_, err := conn.Write([]byte(sent))
		require.NoError(t, err)
		buf := make([]byte, 64)
		n, err := conn.Read(buf)
		require.NoError(t, err)
		require.Equal(t, want, string(buf[:n]))
	}
}
