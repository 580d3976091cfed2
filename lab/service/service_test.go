package service

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// listen opens a TCP listener on loopback, for a server to own.
func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return l
}

func listenUDP(t *testing.T) net.PacketConn {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	return pc
}

func newCA(t *testing.T) *CA {
	t.Helper()
	ca, err := NewCA()
	require.NoError(t, err)
	return ca
}

// running closes s when the test ends, and fails the test if that takes long.
func running(t *testing.T, s *Server) *Server {
	t.Helper()
	t.Cleanup(func() { closes(t, s) })
	return s
}

func closes(t *testing.T, s *Server) {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- s.Close() }()
	select {
	case err := <-ended:
		require.NoError(t, err)
	case <-time.After(20 * time.Second):
		t.Error("Close hangs")
	}
}

// noLeaks fails the test if, at its end, more goroutines run than now. Call it before anything else.
func noLeaks(t *testing.T) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		for range 200 {
			if runtime.NumGoroutine() <= before {
				return
			}
			time.Sleep(25 * time.Millisecond)
		}
		stacks := make([]byte, 1<<20)
		t.Errorf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(), stacks[:runtime.Stack(stacks, true)])
	})
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func dialTCP(t *testing.T, a net.Addr) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", a.String())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// ends reports that the peer closed c, within ten seconds.
func ends(t *testing.T, c net.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	for {
		if _, err := c.Read(make([]byte, 1024)); err != nil {
			require.False(t, errors.Is(err, os.ErrDeadlineExceeded), "the server keeps the connection")
			return
		}
	}
}

func TestServerEndsWithItsContext(t *testing.T) {
	noLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	s, err := ServeChat(ctx, listen(t), nil)
	require.NoError(t, err)
	c := dialTCP(t, s.Addr())
	cancel()
	ends(t, c)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	_, err = net.Dial("tcp", s.Addr().String())
	require.Error(t, err)
}

func TestServerMadeWithADoneContextEndsAtOnce(t *testing.T) {
	noLeaks(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h3, err := ServeHTTP3(ctx, listenUDP(t), newCA(t), WebOptions{})
	require.NoError(t, err)
	resolver, err := ServeDNS(ctx, listenUDP(t), listen(t), NewResolver(nil))
	require.NoError(t, err)
	for _, s := range []*Server{
		ServeHTTP(ctx, listen(t), WebOptions{}), h3, resolver, Relay(ctx, listenUDP(t)),
		ServeTunnel(ctx, listen(t), newCA(t), nil, WebOptions{}),
	} {
		require.NoError(t, s.Close())
	}
}
