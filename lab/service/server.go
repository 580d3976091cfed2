package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// DialFunc opens a connection, like net.Dialer.DialContext. The caller decides by it in which network namespace a
// service's own connections start.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// Server is one running service. It owns the listener or packet connection it was made over and closes it at the end.
//
// A Server ends when Close is called or when the context it was made with is done. All methods may be called from any
// goroutine.
type Server struct {
	addr  net.Addr
	stop  func() error
	once  sync.Once
	err   error
	unctx func() bool
}

// newServer makes a Server whose stop function runs once, and must return only when the service's goroutines have ended.
func newServer(ctx context.Context, addr net.Addr, stop func() error) *Server {
	s := &Server{addr: addr, stop: stop}
	s.unctx = context.AfterFunc(ctx, func() { s.end() })
	return s
}

// Addr is the address the service listens on.
func (s *Server) Addr() net.Addr { return s.addr }

// Close ends the service: it stops listening, cuts the connections that are open and waits for the goroutines that
// served them. It may be called again and then gives the same answer.
func (s *Server) Close() error {
	s.unctx()
	return s.end()
}

func (s *Server) end() error {
	s.once.Do(func() {
		if err := s.stop(); err != nil && !errors.Is(err, net.ErrClosed) {
			s.err = err
		}
	})
	return s.err
}

// group keeps the open connections of a service, so that they can be cut and waited for together.
// The zero value is ready. Safe for concurrent use.
type group struct {
	mu     sync.Mutex
	wg     sync.WaitGroup
	closed bool
	open   map[io.Closer]struct{}
}

// add registers c and reports true, or reports false when the group has been closed.
func (g *group) add(c io.Closer) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	if g.open == nil {
		g.open = make(map[io.Closer]struct{})
	}
	g.open[c] = struct{}{}
	g.wg.Add(1)
	return true
}

// done says that nothing serves c any more. A c that is not registered is ignored.
func (g *group) done(c io.Closer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, ok := g.open[c]; ok {
		delete(g.open, c)
		g.wg.Done()
	}
}

// close closes what was added and waits until all of it is done.
func (g *group) close() {
	g.mu.Lock()
	g.closed = true
	for c := range g.open {
		c.Close()
	}
	g.mu.Unlock()
	g.wg.Wait()
}

// serveConns accepts connections from l and runs handle for each in a goroutine of its own. handle need not close the
// connection; its context is done when the service ends.
func serveConns(ctx context.Context, l net.Listener, handle func(context.Context, net.Conn)) *Server {
	var g group
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	accepting := make(chan struct{})
	go func() {
		defer close(accepting)
		acceptLoop(run, l, func(c net.Conn) {
			if !g.add(c) {
				c.Close()
				return
			}
			go func() {
				defer g.done(c)
				defer c.Close()
				handle(run, c)
			}()
		})
	}()
	return newServer(ctx, l.Addr(), func() error {
		cancel()
		err := l.Close()
		<-accepting
		g.close()
		return err
	})
}

// acceptLoop accepts until l is closed or ctx is done. Other errors (too many open files) pass: it waits a little.
func acceptLoop(ctx context.Context, l net.Listener, accepted func(net.Conn)) {
	for {
		c, err := l.Accept()
		if err == nil {
			accepted(c)
			continue
		}
		if errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// abortOnDone makes I/O on c fail at once when ctx is done. The returned function undoes that, clears c's deadlines
// and turns the error of an I/O that was cut short into the context's error; it must be called exactly once.
func abortOnDone(ctx context.Context, c net.Conn) func(error) error {
	fired := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(fired)
		c.SetDeadline(time.Unix(1, 0))
	})
	return func(err error) error {
		if !stop() {
			<-fired
		}
		c.SetDeadline(time.Time{})
		if err != nil && ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
			return fmt.Errorf("%w (%w)", context.Cause(ctx), err)
		}
		return err
	}
}
