package service

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// ServeTunnel runs a tunnel server on l of the kind a user keeps on a host abroad: HTTPS with a certificate for
// whatever name is asked, HTTP/1.1 inside, and CONNECT (RFC 9110, 9.3.6) to any host:port. Names are resolved where
// dial resolves them, so the client's resolver never hears of them. To anything but CONNECT it is an ordinary site.
//
// dial is called from many goroutines at a time.
func ServeTunnel(ctx context.Context, l net.Listener, ca *CA, dial DialFunc, o WebOptions) *Server {
	o = o.withDefaults()
	var g group // the connections taken over from the web server
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	site := Site(o)
	web := serveWeb(context.WithoutCancel(ctx), tls.NewListener(l, ca.TLS("http/1.1")), o,
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodConnect {
				site.ServeHTTP(w, r)
				return
			}
			connect(run, &g, w, r, dial)
		}))
	return newServer(ctx, l.Addr(), func() error {
		cancel()
		err := web.Close()
		g.close()
		return err
	})
}

// connect serves one CONNECT request: dial first, then take the connection over and join the two.
func connect(ctx context.Context, g *group, w http.ResponseWriter, r *http.Request, dial DialFunc) {
	if _, _, err := net.SplitHostPort(r.Host); err != nil {
		http.Error(w, "CONNECT needs host:port", http.StatusBadRequest)
		return
	}
	dialCtx, cancel := context.WithTimeout(ctx, dialTimeout)
	up, err := dial(dialCtx, "tcp", r.Host)
	cancel()
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	down, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		up.Close()
		return
	}
	if !g.add(down) {
		down.Close()
		up.Close()
		return
	}
	defer g.done(down)
	if _, err := io.WriteString(down, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		down.Close()
		up.Close()
		return
	}
	join(ctx, down, buffered, up)
}

// TunnelDialer is the client of ServeTunnel. It keeps no state: each connection has a TLS connection to the server of
// its own. Safe for concurrent use; do not change it meanwhile.
type TunnelDialer struct {
	Server string         // the tunnel server, "address:port"
	SNI    string         // the neutral name shown on the wire and verified in the certificate
	Roots  *x509.CertPool // whom to trust: CA.Pool
	Dial   DialFunc       // opens the connection to Server; nil: net.Dialer
	TLS    *tls.Config    // more TLS settings, or nil; ServerName, RootCAs and NextProtos are overridden
}

// DialContext opens a connection to address through the tunnel; network must be a TCP one. The name in address is
// resolved at the server. ctx bounds the opening only. The connection has a CloseWrite method, like a TCP connection.
func (d *TunnelDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if !strings.HasPrefix(network, "tcp") {
		return nil, fmt.Errorf("tunnel: %s to %s: only TCP goes through CONNECT", network, address)
	}
	if _, _, err := net.SplitHostPort(address); err != nil || strings.ContainsAny(address, " \t\r\n/") {
		return nil, fmt.Errorf("tunnel: target %q is not host:port", address)
	}
	dial := d.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	raw, err := dial(ctx, "tcp", d.Server)
	if err != nil {
		return nil, fmt.Errorf("tunnel: reaching %s: %w", d.Server, err)
	}
	conn, err := d.open(ctx, raw, address)
	if err != nil {
		raw.Close()
		return nil, fmt.Errorf("tunnel: through %s to %s: %w", d.Server, address, err)
	}
	return conn, nil
}

func (d *TunnelDialer) open(ctx context.Context, raw net.Conn, address string) (net.Conn, error) {
	conf := &tls.Config{}
	if d.TLS != nil {
		conf = d.TLS.Clone()
	}
	conf.ServerName, conf.RootCAs, conf.NextProtos = d.SNI, d.Roots, []string{"http/1.1"}
	conn := tls.Client(raw, conf)
	restore := abortOnDone(ctx, raw)
	r, err := askConnect(conn, address)
	if err := restore(err); err != nil {
		return nil, err
	}
	return &tunnelConn{Conn: conn, r: r}, nil
}

// askConnect sends the request and reads the answer's headers. What follows them stays in the reader.
func askConnect(conn *tls.Conn, address string) (*bufio.Reader, error) {
	if err := conn.Handshake(); err != nil {
		return nil, err
	}
	req := &http.Request{Method: http.MethodConnect, Host: address}
	if _, err := fmt.Fprintf(conn, "CONNECT %[1]s HTTP/1.1\r\nHost: %[1]s\r\n\r\n", address); err != nil {
		return nil, err
	}
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, req)
	if err != nil {
		return nil, fmt.Errorf("reading the answer to CONNECT: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(io.LimitReader(resp.Body, 256))
		return nil, fmt.Errorf("the server answered %s: %s", resp.Status, strings.TrimSpace(string(why)))
	}
	return r, nil
}

// tunnelConn reads through the buffer that read the answer to CONNECT.
type tunnelConn struct {
	*tls.Conn
	r *bufio.Reader
}

func (c *tunnelConn) Read(p []byte) (int, error) { return c.r.Read(p) }
