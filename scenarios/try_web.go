package scenarios

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"dpilab/lab"
)

const maxPage = 1 << 20

// page gets a page over HTTP/1.1 or 2, with TLS or without.
func (a *attempt) page(ctx context.Context) Outcome {
	secure := a.Kind == ProbeHTTPS
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

// download gets many bytes over TLS, in quiet, and measures the rate of the last three quarters: the first one is where
// TCP finds out what the line carries, and where a policer still has its burst.
func (a *attempt) download(ctx context.Context) Outcome {
	c, t, bad := a.web(ctx, true)
	if bad != nil {
		return *bad
	}
	c.rest()
	if err := a.turns.wait(ctx); err != nil {
		return c.outcome(err)
	}
	c.step(StageRequest)
	var bytes int64
	var took time.Duration
	path := "/download?bytes=" + strconv.FormatInt(a.Bytes, 10)
	if bad := a.get(ctx, c, t, path, func(body io.Reader) error {
		ramp, err := io.CopyN(io.Discard, body, a.Bytes/4)
		start := time.Now()
		if err == nil {
			bytes, err = io.Copy(io.Discard, body)
		}
		took = time.Since(start)
		if err == nil && ramp+bytes != a.Bytes {
			err = fmt.Errorf("%d bytes came, expected %d", ramp+bytes, a.Bytes)
		}
		return err
	}); bad != nil {
		return *bad
	}
	return a.transferred(bytes, took)
}

// transferred is the outcome of a transfer that came to its end.
func (a *attempt) transferred(bytes int64, took time.Duration) Outcome {
	t := &Transfer{Bytes: bytes, Rate: float64(bytes*8) / max(took, time.Microsecond).Seconds(), Line: a.line, Tries: 1}
	o := Outcome{Kind: OK, After: took, Transfer: t}
	if t.Line > 0 && t.Share() < slowLimit {
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
	if c, bad = a.reach(ctx, port); bad != nil || !secure {
		return c, c, bad
	}
	conn := tls.Client(c, &tls.Config{ServerName: a.Host, RootCAs: a.services.CA.Pool(), NextProtos: []string{"h2", "http/1.1"}})
	c.step(StageHello)
	if err := conn.Handshake(); err != nil {
		o := c.outcome(err)
		return nil, nil, &o
	}
	return c, conn, nil
}

// get asks for a path over the connection t, which runs over c, gives the body to read, and closes the connection.
func (a *attempt) get(ctx context.Context, c *watched, t net.Conn, path string, read func(io.Reader) error) *Outcome {
	defer c.Close()
	scheme := "http"
	once := func(context.Context, string, string) (net.Conn, error) { return t, nil }
	transport := &http.Transport{DialContext: once, DialTLSContext: once, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	if _, ok := t.(*tls.Conn); ok {
		scheme = "https"
	}
	err := fetch(ctx, transport, scheme+"://"+bracket(a.Host)+path, read)
	if err != nil {
		o := c.outcome(err)
		return &o
	}
	return nil
}

// fetch asks a client of HTTP for a page.
func fetch(ctx context.Context, client http.RoundTripper, url string, read func(io.Reader) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.RoundTrip(req)
	if err != nil {
		return err
	}
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

// bracket puts an IPv6 address into the brackets that a URL wants.
func bracket(host string) string {
	if isAddress(host) && net.ParseIP(host).To4() == nil {
		return "[" + host + "]"
	}
	return host
}
