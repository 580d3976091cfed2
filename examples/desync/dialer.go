// Package desync is what a circumvention tool looks like to dpilab: a dialer that cuts the client's first bytes in two. It knows nothing of
// labs; its test does.
package desync

import (
	"context"
	"net"
	"sync"
	"time"
)

// Dialer opens connections whose first write goes out in two segments, so that a box that looks at each packet by itself finds a whole
// ClientHello in neither.
type Dialer struct {
	Base interface { // where connections come from: a *net.Dialer, or in a test a lab's
		DialContext(ctx context.Context, network, address string) (net.Conn, error)
	}
	Cut   int           // bytes in the first segment. 0: nothing is cut
	Pause time.Duration // between the two, so that the kernel does not join them. 0: none
}

// DialContext opens a connection.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := d.Base.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, dialer: d}, nil
}

// conn cuts its first write.
type conn struct {
	net.Conn
	dialer *Dialer
	once   sync.Once
}

// Write writes all of b.
func (c *conn) Write(b []byte) (int, error) {
	n := 0
	var err error
	c.once.Do(func() {
		if cut := c.dialer.Cut; 0 < cut && cut < len(b) {
			n, err = c.Conn.Write(b[:cut])
			time.Sleep(c.dialer.Pause)
		}
	})
	if err != nil {
		return n, err
	}
	rest, err := c.Conn.Write(b[n:])
	return n + rest, err
}
