package probe

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"golang.org/x/net/http2"

	"dpilab/lab"
)

const maxPage = 1 << 20

// pages gets a page so many times, each over a connection of its own, until one fails.
func (a *attempt) pages(ctx context.Context) Outcome {
	o := a.page(ctx)
	for n := 2; n <= a.Times && o.Kind == OK; n++ {
		a.story.add("once more, for the %d. time", n)
		o = a.page(ctx)
	}
	return o
}

// page gets a page over HTTP/1.1 or 2, with TLS or without.
func (a *attempt) page(ctx context.Context) Outcome {
	secure := a.Type == TypeHTTPS
	c, t, bad := a.web(ctx, secure)
	if bad != nil {
		return *bad
	}
	c.step(StageRequest)
	if bad := a.get(ctx, c, t, a.Path, func(body io.Reader) error {
		_, err := io.Copy(io.Discard, io.LimitReader(body, maxPage))
		return err
	}); bad != nil {
		return *bad
	}
	return Outcome{Kind: OK}
}

// download gets many bytes over TLS, in quiet, and measures their rate.
func (a *attempt) download(ctx context.Context) Outcome {
	c, t, bad := a.web(ctx, true)
	if bad != nil {
		return *bad
	}
	c.rest()
	if err := a.quiet(ctx); err != nil {
		return c.outcome(err)
	}
	c.step(StageRequest)
	var m measure
	if bad := a.get(ctx, c, t, a.measured(), m.reading(a.Bytes, a.For)); bad != nil {
		return *bad
	}
	return a.transferred(m.bytes, m.took)
}

// measured is the path of what a download gets.
func (a *attempt) measured() string { return "/download?bytes=" + strconv.FormatInt(a.Bytes, 10) }

// transferred is the outcome of a transfer that came to its end.
func (a *attempt) transferred(bytes int64, took time.Duration) Outcome {
	t := &Transfer{Bytes: bytes, Rate: float64(bytes*8) / max(took, time.Microsecond).Seconds(), Line: a.Line, Tries: 1}
	o := Outcome{Kind: OK, After: took, Transfer: t}
	if t.Slow() {
		o.Kind = Throttled
	}
	return o
}

// web connects to the probe's site, over TLS when it is secure. The connection on top is t.
func (a *attempt) web(ctx context.Context, secure bool) (c *watched, t net.Conn, bad *Outcome) {
	port := uint16(lab.PortHTTP)
	if secure {
		port = lab.PortHTTPS
	}
	if c, bad = a.reach(ctx, port); bad != nil {
		return nil, nil, bad
	}
	if !secure {
		a.handshake = a.since()
		return c, c, nil
	}
	t, err := a.tls(c)
	if err == nil {
		c.step(StageHello)
		a.story.add("sends the ClientHello")
		if h, ok := t.(interface{ HandshakeContext(context.Context) error }); ok {
			err = h.HandshakeContext(ctx)
		} else {
			_, err = t.Write(nil)
		}
	}
	if err != nil {
		o := c.outcome(err)
		return nil, nil, &o
	}
	a.handshake = a.since()
	a.story.add("handshake done")
	return c, t, nil
}

// tls makes the client's side of TLS.
func (a *attempt) tls(c net.Conn) (net.Conn, error) {
	config := a.tlsConfig(http2.NextProtoTLS, "http/1.1")
	if a.Via.TLS != nil {
		return a.Via.TLS(c, config)
	}
	return a.Hello.Client(c, config)
}

// tlsConfig is the client's, for these application protocols. A long ClientHello takes two packets, and boxes that do not reassemble read
// none of it.
func (a *attempt) tlsConfig(protocols ...string) *tls.Config {
	return a.Hello.apply(&tls.Config{ServerName: a.Probe.Host, RootCAs: a.Services.CA.Pool(), NextProtos: protocols}, a.Services.CA)
}

// protocol is what the two sides of TLS agreed on.
func protocol(t net.Conn) string {
	switch t := t.(type) {
	case *tls.Conn:
		return t.ConnectionState().NegotiatedProtocol
	case interface{ NegotiatedProtocol() string }:
		return t.NegotiatedProtocol()
	}
	return ""
}

// get asks for a path over the connection t, which runs over c, gives the body to read, and closes the connection.
func (a *attempt) get(ctx context.Context, c *watched, t net.Conn, path string, read func(io.Reader) error) *Outcome {
	defer c.Close()
	scheme := "https"
	if t == c {
		scheme = "http"
	}
	client, err := roundTripper(t)
	if err == nil {
		a.story.add("sends the request")
		err = a.fetch(ctx, client, scheme+"://"+bracket(a.Probe.Host)+path, read)
		client.CloseIdleConnections()
	}
	if err != nil {
		o := c.outcome(err)
		return &o
	}
	return nil
}

// client is a client of HTTP.
type client interface {
	http.RoundTripper
	CloseIdleConnections()
}

// roundTripper gives a client that speaks over t and no other connection.
func roundTripper(t net.Conn) (client, error) {
	if protocol(t) == http2.NextProtoTLS {
		transport := &http2.Transport{}
		conn, err := transport.NewClientConn(t)
		return &http2Client{conn}, err
	}
	once := func(context.Context, string, string) (net.Conn, error) { return t, nil }
	return &http.Transport{DialContext: once, DialTLSContext: once}, nil
}

// http2Client is one connection of HTTP/2.
type http2Client struct{ *http2.ClientConn }

// CloseIdleConnections closes it.
func (c *http2Client) CloseIdleConnections() { c.Close() }

// fetch asks a client of HTTP for a page.
func (a *attempt) fetch(ctx context.Context, client http.RoundTripper, url string, read func(io.Reader) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.RoundTrip(req)
	if err != nil {
		return err
	}
	a.firstByte = a.since()
	a.story.add("the answer begins")
	defer resp.Body.Close()
	if to, err := resp.Location(); err == nil && to.Hostname() != req.URL.Hostname() {
		return &elsewhereError{to.String()}
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answers %s", resp.Status)
	}
	return read(resp.Body)
}

// elsewhereError is an answer that sends the client to another site.
type elsewhereError struct{ url string }

func (e *elsewhereError) Error() string { return "the server sends to " + e.url }

func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

// bracket puts an IPv6 address into the brackets that a URL wants.
func bracket(host string) string {
	if isAddress(host) && net.ParseIP(host).To4() == nil {
		return "[" + host + "]"
	}
	return host
}
