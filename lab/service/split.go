package service

import (
	"bufio"
	"context"
	"net"
	"sync"
	"time"
)

// Split serves one port to several protocols, as WhatsApp's front does on 443 and 80 (B44): a connection goes to the listener
// that choose gives for its first byte, or is closed when that is nil. The listeners come from NewInlet. Clients that say
// nothing for a minute are cut.
func Split(ctx context.Context, l net.Listener, choose func(first byte) *Inlet) *Server {
	return serveConns(ctx, l, func(ctx context.Context, c net.Conn) {
		c.SetReadDeadline(time.Now().Add(time.Minute))
		r := bufio.NewReader(c)
		first, err := r.Peek(1)
		if err != nil {
			return
		}
		c.SetReadDeadline(time.Time{})
		inlet := choose(first[0])
		if inlet == nil {
			return
		}
		p := &peeked{Conn: c, r: r, closed: make(chan struct{})}
		if !inlet.give(ctx, p) {
			return
		}
		// The connection is Split's to close, and its server's to end.
		select {
		case <-p.closed:
		case <-ctx.Done():
		}
	})
}

// Inlet is a listener whose connections come from Split. Any goroutine.
type Inlet struct {
	addr  net.Addr
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

// NewInlet makes an inlet that says that it listens on addr.
func NewInlet(addr net.Addr) *Inlet {
	return &Inlet{addr: addr, conns: make(chan net.Conn), done: make(chan struct{})}
}

// give waits until c is accepted; false if the inlet closes, or ctx is done, before that.
func (i *Inlet) give(ctx context.Context, c net.Conn) bool {
	select {
	case i.conns <- c:
		return true
	case <-i.done:
	case <-ctx.Done():
	}
	return false
}

// Accept implements net.Listener.
func (i *Inlet) Accept() (net.Conn, error) {
	select {
	case c := <-i.conns:
		return c, nil
	case <-i.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (i *Inlet) Close() error {
	i.once.Do(func() { close(i.done) })
	return nil
}

// Addr implements net.Listener.
func (i *Inlet) Addr() net.Addr { return i.addr }

// peeked is a connection whose first bytes are in a buffer.
type peeked struct {
	net.Conn
	r      *bufio.Reader
	once   sync.Once
	closed chan struct{}
}

func (p *peeked) Read(b []byte) (int, error) { return p.r.Read(b) }

func (p *peeked) CloseWrite() error {
	if c, ok := p.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return p.Close()
}

func (p *peeked) Close() error {
	p.once.Do(func() { close(p.closed) })
	return p.Conn.Close()
}
