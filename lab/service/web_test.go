package service

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/stretchr/testify/require"
)

// webClient is one way to reach the site; its requests go to http(s)://site.example.
type webClient struct {
	name, scheme, proto string
	rt                  http.RoundTripper
}

// webClients starts a server for each protocol and a real client for each.
func webClients(t *testing.T, o WebOptions) []webClient {
	ca := newCA(t)
	plain := running(t, ServeHTTP(t.Context(), listen(t), o))
	secure := running(t, ServeHTTPS(t.Context(), listen(t), ca, o))
	h3, err := ServeHTTP3(t.Context(), listenUDP(t), ca, o)
	require.NoError(t, err)
	running(t, h3)
	to := func(s *Server) func(context.Context, string, string) (net.Conn, error) {
		return func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", s.Addr().String())
		}
	}
	conf := &tls.Config{RootCAs: ca.Pool()}
	h3client := &http3.Transport{TLSClientConfig: conf, Dial: func(ctx context.Context, _ string, c *tls.Config, q *quic.Config) (*quic.Conn, error) {
		return quic.DialAddrEarly(ctx, h3.Addr().String(), c, q)
	}}
	t.Cleanup(func() { h3client.Close() })
	tcp := func(tr *http.Transport) *http.Transport {
		t.Cleanup(tr.CloseIdleConnections)
		return tr
	}
	return []webClient{
		{"plain", "http", "HTTP/1.1", tcp(&http.Transport{DialContext: to(plain)})},
		{"tls", "https", "HTTP/1.1", tcp(&http.Transport{DialContext: to(secure), TLSClientConfig: conf})},
		{"h2", "https", "HTTP/2.0", tcp(&http.Transport{DialContext: to(secure), TLSClientConfig: conf, ForceAttemptHTTP2: true})},
		{"h3", "https", "HTTP/3.0", h3client},
	}
}

func (c webClient) do(t *testing.T, method, path string, body io.Reader) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(soon(t), method, c.scheme+"://site.example"+path, body)
	require.NoError(t, err)
	resp, err := c.rt.RoundTrip(req)
	require.NoError(t, err)
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	resp.Body.Close()
	return resp, data
}

func TestSiteOverEachProtocol(t *testing.T) {
	noLeaks(t)
	for _, c := range webClients(t, WebOptions{H3Port: 443}) {
		t.Run(c.name, func(t *testing.T) {
			resp, body := c.do(t, "GET", "/", nil)
			require.Equal(t, c.proto, resp.Proto)
			require.Contains(t, string(body), "site.example")
			require.Contains(t, string(body), c.proto)
			require.Equal(t, `h3=":443"; ma=86400`, resp.Header.Get("Alt-Svc"))

			_, body = c.do(t, "GET", "/ip", nil)
			require.Equal(t, "127.0.0.1\n", string(body))

			const size = 3<<20 + 7
			resp, body = c.do(t, "GET", fmt.Sprintf("/download?bytes=%d", size), nil)
			require.Len(t, body, size)
			require.EqualValues(t, size, resp.ContentLength)
			resp, body = c.do(t, "HEAD", fmt.Sprintf("/download?bytes=%d", size), nil)
			require.Empty(t, body)
			require.EqualValues(t, size, resp.ContentLength)
			_, body = c.do(t, "GET", "/download?bytes=0", nil)
			require.Empty(t, body)

			_, body = c.do(t, "POST", "/upload", bytes.NewReader(make([]byte, size)))
			require.Equal(t, fmt.Sprintln(size), string(body))

			for path, status := range map[string]int{"/download?bytes=-1": 400, "/download?bytes=x": 400, "/download": 400, "/no": 404} {
				resp, _ = c.do(t, "GET", path, nil)
				require.Equal(t, status, resp.StatusCode, path)
			}
			resp, _ = c.do(t, "GET", "/upload", nil)
			require.Equal(t, 405, resp.StatusCode)
		})
	}
}

func TestNoAltSvcWithoutHTTP3(t *testing.T) {
	for _, c := range webClients(t, WebOptions{}) {
		resp, _ := c.do(t, "GET", "/", nil)
		require.Empty(t, resp.Header.Get("Alt-Svc"), c.name)
	}
}

func TestDownloadDoesNotCompress(t *testing.T) {
	c := webClients(t, WebOptions{})[0]
	_, body := c.do(t, "GET", "/download?bytes=1000000", nil)
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestCompression)
	require.NoError(t, err)
	w.Write(body)
	w.Close()
	require.Greater(t, packed.Len(), 990_000)
}

// A host name is shown, not run.
func TestPageEscapesTheHost(t *testing.T) {
	s := running(t, ServeHTTP(t.Context(), listen(t), WebOptions{}))
	c := dialTCP(t, s.Addr())
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: a'b\r\nConnection: close\r\n\r\n")
	body, err := io.ReadAll(c)
	require.NoError(t, err)
	require.Contains(t, string(body), "a&#39;b")
}

// Garbage, silence, half a handshake, half a request: each ends by the server's doing, or at Close.
func TestWebServersSurviveBadClients(t *testing.T) {
	noLeaks(t)
	o := WebOptions{Timeout: 300 * time.Millisecond}
	plain := running(t, ServeHTTP(t.Context(), listen(t), o))
	secure := running(t, ServeHTTPS(t.Context(), listen(t), newCA(t), o))
	for _, s := range []*Server{plain, secure} {
		for _, first := range []string{"", "\x00\xff garbage\r\n\r\n", "\x16\x03\x01\x02\x00\x01", "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"} {
			c := dialTCP(t, s.Addr())
			io.WriteString(c, first)
			ends(t, c)
		}
	}
	h3, err := ServeHTTP3(t.Context(), listenUDP(t), newCA(t), o)
	require.NoError(t, err)
	running(t, h3)
	udp, err := net.Dial("udp", h3.Addr().String())
	require.NoError(t, err)
	defer udp.Close()
	udp.Write([]byte("garbage"))
	udp.Write(append([]byte{0xc3, 0, 0, 0, 1, 8}, make([]byte, 1200)...))
	open := dialTCP(t, plain.Addr())
	closes(t, plain)
	ends(t, open)
}

// pipeListener hands out one connection without any buffer, and then waits.
type pipeListener struct {
	conn  chan net.Conn
	ended chan struct{}
}

func (l pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conn:
		return c, nil
	case <-l.ended:
		return nil, net.ErrClosed
	}
}

func (l pipeListener) Close() error {
	select {
	case <-l.ended:
	default:
		close(l.ended)
	}
	return nil
}

func (l pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// A client that takes nothing for longer than the timeout is cut off; one that is only slow is not.
func TestDownloadToASlowClient(t *testing.T) {
	noLeaks(t)
	get := func(bytes int) net.Conn {
		here, there := net.Pipe()
		l := pipeListener{make(chan net.Conn, 1), make(chan struct{})}
		l.conn <- there
		running(t, ServeHTTP(t.Context(), l, WebOptions{Timeout: 700 * time.Millisecond}))
		fmt.Fprintf(here, "GET /download?bytes=%d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", bytes)
		return here
	}
	slow := get(400 << 10)
	start, total := time.Now(), 0
	for time.Since(start) < 2*time.Second {
		time.Sleep(20 * time.Millisecond)
		n, err := slow.Read(make([]byte, 4<<10))
		require.NoError(t, err)
		total += n
	}
	rest, err := io.Copy(io.Discard, slow)
	require.NoError(t, err)
	require.Greater(t, total+int(rest), 400<<10)

	stuck := get(64 << 20)
	time.Sleep(2 * time.Second)
	got, _ := io.Copy(io.Discard, stuck)
	require.Less(t, got, int64(64<<20))
}

func TestCloseCutsDownloads(t *testing.T) {
	noLeaks(t)
	for _, c := range webClients(t, WebOptions{}) {
		req, err := http.NewRequestWithContext(soon(t), "GET", c.scheme+"://site.example/download?bytes=1000000000000", nil)
		require.NoError(t, err)
		resp, err := c.rt.RoundTrip(req)
		require.NoError(t, err, c.name)
		io.CopyN(io.Discard, resp.Body, 1<<20)
		t.Cleanup(func() { resp.Body.Close() })
	} // the servers close when the test ends, with the downloads under way
}

func TestCurlTrustsTheCA(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("no curl here")
	}
	ca := newCA(t)
	s := running(t, ServeHTTPS(t.Context(), listen(t), ca, WebOptions{}))
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, ca.WriteFile(file))
	_, port, err := net.SplitHostPort(s.Addr().String())
	require.NoError(t, err)
	args := []string{"-sS", "--max-time", "20", "--resolve", "site.example:" + port + ":127.0.0.1", "https://site.example:" + port + "/"}
	trusting := exec.CommandContext(soon(t), curl, args...)
	trusting.Env = append(Env(file), "no_proxy=*")
	out, err := trusting.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "<h1>site.example")
	bare := exec.CommandContext(soon(t), curl, args...)
	bare.Env = []string{"no_proxy=*"}
	out, err = bare.CombinedOutput()
	require.Error(t, err)
	require.True(t, strings.Contains(string(out), "certificate"), string(out))
}

// A floor for what the server can feed; the figure is for the log.
func TestDownloadThroughput(t *testing.T) {
	const size = 64 << 20
	for _, c := range webClients(t, WebOptions{}) {
		req, err := http.NewRequestWithContext(soon(t), "GET", fmt.Sprintf("%s://site.example/download?bytes=%d", c.scheme, size), nil)
		require.NoError(t, err)
		start := time.Now()
		resp, err := c.rt.RoundTrip(req)
		require.NoError(t, err)
		n, err := io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
		require.EqualValues(t, size, n)
		resp.Body.Close()
		t.Logf("%s: %.0f Mbit/s", c.name, size*8/1e6/time.Since(start).Seconds())
	}
}
