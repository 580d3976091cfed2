package service

import (
	"context"
	"io"
	"net"
	"sync"
	"time"
)

// dialTimeout is how long a server tries to reach the target of a forwarded connection.
const dialTimeout = 20 * time.Second

// Forward accepts connections on l and joins each to one that dial opens with the same context: bytes go through
// unchanged, both ways. This is what WhatsApp's proxies do on their chat and media ports (B44). dial is called in the
// connection's goroutine, from many at a time.
func Forward(ctx context.Context, l net.Listener, dial func(ctx context.Context) (net.Conn, error)) *Server {
	return serveConns(ctx, l, func(ctx context.Context, down net.Conn) {
		dialCtx, cancel := context.WithTimeout(ctx, dialTimeout)
		up, err := dial(dialCtx)
		cancel()
		if err != nil {
			return // the client sees its connection closed, as with any port forwarder
		}
		join(ctx, down, down, up)
	})
}

// join copies between down and up until both directions have ended, one has failed, or ctx is done; it closes both.
// fromDown is where down's bytes are read: down itself or a buffer before it. The end of one direction is passed on as
// the end of the other side's stream, and the other direction goes on.
func join(ctx context.Context, down net.Conn, fromDown io.Reader, up net.Conn) {
	both := func() {
		down.Close()
		up.Close()
	}
	defer both()
	defer context.AfterFunc(ctx, both)()
	var wg sync.WaitGroup
	pass := func(dst net.Conn, src io.Reader) {
		if _, err := io.Copy(dst, src); err != nil {
			both()
			return
		}
		if c, ok := dst.(interface{ CloseWrite() error }); !ok || c.CloseWrite() != nil {
			both()
		}
	}
	wg.Go(func() { pass(up, fromDown) })
	wg.Go(func() { pass(down, up) })
	wg.Wait()
}
