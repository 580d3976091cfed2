package service

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// WebOptions are what the web servers have in common. The zero value is ready.
type WebOptions struct {
	// H3Port is the UDP port of the site's HTTP/3 server, announced in Alt-Svc (RFC 7838). 0: not announced.
	H3Port int
	// Timeout is how long a client may keep the server waiting: for a handshake, a request's headers, the next piece of
	// a body, or room to send. It bounds silence, not the whole: a download at 600 bytes a second goes on. 0: a minute.
	Timeout time.Duration
	// Chat makes the site WhatsApp's web front as well: GET /ws/chat is a WebSocket with the chat inside. nil: it is not.
	Chat *ChatKeys
	// Logger hears of failed TLS handshakes and the like. nil: nobody does.
	Logger *log.Logger

	chats *group // the connections that became chats
}

func (o WebOptions) withDefaults() WebOptions {
	if o.Timeout <= 0 {
		o.Timeout = time.Minute
	}
	if o.Logger == nil {
		o.Logger = log.New(io.Discard, "", 0)
	}
	if o.chats == nil {
		o.chats = &group{}
	}
	return o
}

// ServeHTTP serves the site (see Site) as plain HTTP/1.1 on l.
func ServeHTTP(ctx context.Context, l net.Listener, o WebOptions) *Server {
	o = o.withDefaults()
	return serveWeb(ctx, l, o, Site(o))
}

// ServeHTTPS serves the site over TLS on l, with HTTP/2 for clients that offer it and HTTP/1.1 for the rest.
func ServeHTTPS(ctx context.Context, l net.Listener, ca *CA, o WebOptions) *Server {
	o = o.withDefaults()
	return serveWeb(ctx, tls.NewListener(l, ca.TLS("h2", "http/1.1")), o, Site(o))
}

// serveWeb serves h on l, plain or TLS, until Close.
func serveWeb(ctx context.Context, l net.Listener, o WebOptions, h http.Handler) *Server {
	var g group
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: o.Timeout, // is the TLS handshake's too
		IdleTimeout:       o.Timeout,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          o.Logger,
		ConnState: func(c net.Conn, s http.ConnState) {
			switch s {
			case http.StateNew:
				if !g.add(c) {
					c.Close()
				}
			case http.StateClosed, http.StateHijacked:
				g.done(c)
			}
		},
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	serving := make(chan struct{})
	go func() {
		defer close(serving)
		acceptErr := srv.Serve(l)
		if !errors.Is(acceptErr, http.ErrServerClosed) && !errors.Is(acceptErr, net.ErrClosed) {
			o.Logger.Printf("web server at %v: %v", l.Addr(), acceptErr)
		}
	}()
	return newServer(ctx, l.Addr(), func() error {
		err := srv.Close()
		l.Close() // Serve may not have seen it yet
		<-serving
		o.chats.close()
		g.close()
		return err
	})
}

// ServeHTTP3 serves the site as HTTP/3 (RFC 9114) on pc, which is best a *net.UDPConn: then packets go out with ECN and
// segmentation offload as they would in real life.
//
// quic-go writes a warning to the standard logger when the kernel limits the socket buffers, which it does in every
// lab without root; ServeHTTP3 turns that off by the library's own switch, an environment variable.
func ServeHTTP3(ctx context.Context, pc net.PacketConn, ca *CA, o WebOptions) (*Server, error) {
	o = o.withDefaults()
	if _, set := os.LookupEnv("QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING"); !set {
		os.Setenv("QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING", "true")
	}
	transport := &quic.Transport{Conn: pc}
	conf := &quic.Config{MaxIdleTimeout: o.Timeout, HandshakeIdleTimeout: o.Timeout, Allow0RTT: true}
	ln, err := transport.ListenEarly(http3.ConfigureTLSConfig(ca.TLS()), conf)
	if err != nil {
		pc.Close()
		return nil, fmt.Errorf("serving HTTP/3 at %v: %w", pc.LocalAddr(), err)
	}
	srv := &http3.Server{Handler: Site(o), IdleTimeout: o.Timeout, MaxHeaderBytes: 64 << 10}
	serving := make(chan struct{})
	go func() {
		defer close(serving)
		srv.ServeListener(ln)
	}()
	return newServer(ctx, pc.LocalAddr(), func() error {
		ln.Close() // before srv.Close: no connection may start while that waits for the others
		err := srv.Close()
		<-serving
		transport.Close()
		return errors.Join(err, pc.Close())
	}), nil
}
