package service

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// startTunnel runs a tunnel server that knows one target name, and gives a dialer that goes through it.
func startTunnel(t *testing.T, name string, target net.Addr) (*Server, *TunnelDialer) {
	ca := newCA(t)
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		if address != name {
			return nil, fmt.Errorf("no such host: %s", address)
		}
		return new(net.Dialer).DialContext(ctx, network, target.String())
	}
	s := running(t, ServeTunnel(t.Context(), listen(t), ca, dial, WebOptions{}))
	return s, &TunnelDialer{Server: s.Addr().String(), SNI: "neutral.example", Roots: ca.Pool()}
}

// A blocked site opens through the tunnel: its name is resolved at the tunnel's end, its TLS is inside.
func TestHTTPSThroughTheTunnel(t *testing.T) {
	noLeaks(t)
	ca := newCA(t)
	site := running(t, ServeHTTPS(t.Context(), listen(t), ca, WebOptions{}))
	_, d := startTunnel(t, "blocked.example:443", site.Addr())
	tr := &http.Transport{DialContext: d.DialContext, TLSClientConfig: &tls.Config{RootCAs: ca.Pool()}, ForceAttemptHTTP2: true}
	t.Cleanup(tr.CloseIdleConnections)
	c := webClient{scheme: "https", rt: tr}
	req, err := http.NewRequestWithContext(soon(t), "GET", "https://blocked.example/download?bytes=5000000", nil)
	require.NoError(t, err)
	resp, err := c.rt.RoundTrip(req)
	require.NoError(t, err)
	n, err := io.Copy(io.Discard, resp.Body)
	require.NoError(t, err)
	require.EqualValues(t, 5_000_000, n)
	require.Equal(t, "HTTP/2.0", resp.Proto)
}

// The end of one direction does not end the other.
func TestTunnelPassesHalfClose(t *testing.T) {
	noLeaks(t)
	l := listen(t)
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		all, _ := io.ReadAll(c)
		c.Write(bytes.ToUpper(all))
	}()
	_, d := startTunnel(t, "echo.example:7", l.Addr())
	c, err := d.DialContext(soon(t), "tcp", "echo.example:7")
	require.NoError(t, err)
	defer c.Close()
	io.WriteString(c, "hello")
	require.NoError(t, c.(interface{ CloseWrite() error }).CloseWrite())
	all, err := io.ReadAll(c)
	require.NoError(t, err)
	require.Equal(t, "HELLO", string(all))
}

func TestTunnelErrors(t *testing.T) {
	noLeaks(t)
	s, d := startTunnel(t, "a.example:1", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1})
	_, err := d.DialContext(soon(t), "tcp", "unknown.example:443")
	require.ErrorContains(t, err, "no such host")
	_, err = d.DialContext(soon(t), "udp", "a.example:1")
	require.ErrorContains(t, err, "only TCP")
	for _, bad := range []string{"a.example", "a.example:1\r\nX: y", ""} {
		_, err = d.DialContext(soon(t), "tcp", bad)
		require.ErrorContains(t, err, "not host:port")
	}
	stranger := *d
	stranger.Roots = newCA(t).Pool()
	_, err = stranger.DialContext(soon(t), "tcp", "a.example:1")
	var unknown *tls.CertificateVerificationError
	require.True(t, errors.As(err, &unknown), "%v", err)

	// To other requests it is an ordinary site.
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: d.Roots, ServerName: d.SNI}}
	t.Cleanup(tr.CloseIdleConnections)
	resp, err := tr.RoundTrip(must(http.NewRequestWithContext(soon(t), "GET", "https://"+s.Addr().String()+"/ip", nil)))
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, 200, resp.StatusCode)
}

// must is for values whose making can't fail in a test.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A server that takes the connection and says nothing: the context ends the wait.
func TestTunnelDialEndsWithItsContext(t *testing.T) {
	noLeaks(t)
	l := listen(t)
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	d := &TunnelDialer{Server: l.Addr().String(), SNI: "neutral.example"}
	d.Dial = func(c context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(c, network, address)
		cancel()
		return conn, err
	}
	_, err := d.DialContext(ctx, "tcp", "a.example:1")
	require.ErrorIs(t, err, context.Canceled)
}

func TestCloseCutsTunnels(t *testing.T) {
	noLeaks(t)
	l := listen(t)
	defer l.Close()
	s, d := startTunnel(t, "idle.example:1", l.Addr())
	c, err := d.DialContext(soon(t), "tcp", "idle.example:1")
	require.NoError(t, err)
	defer c.Close()
	closes(t, s)
	ends(t, c)
}

func TestForward(t *testing.T) {
	noLeaks(t)
	site := running(t, ServeHTTP(t.Context(), listen(t), WebOptions{}))
	to := func(addr string) func(context.Context) (net.Conn, error) {
		return func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "tcp", addr) }
	}
	s := running(t, Forward(t.Context(), listen(t), to(site.Addr().String())))
	c := dialTCP(t, s.Addr())
	io.WriteString(c, "GET /download?bytes=1000000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	n, err := io.Copy(io.Discard, c)
	require.NoError(t, err)
	require.Greater(t, n, int64(1_000_000))

	closed := listen(t)
	closed.Close()
	nowhere := running(t, Forward(t.Context(), listen(t), to(closed.Addr().String())))
	ends(t, dialTCP(t, nowhere.Addr()))
	open := dialTCP(t, s.Addr())
	closes(t, s)
	ends(t, open)
}
