package probe

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// watched is a connection that knows what the client last did and what the network did then. It gives up when nothing has
// moved for the timeout.
type watched struct {
	net.Conn
	timeout time.Duration
	unwatch func() bool

	mu    sync.Mutex
	quiet bool // no deadline for now
	ended bool // the context is done: no deadline may be set any more
	stage Stage
	since time.Time
	read  int64     // bytes since
	begun time.Time // when the first of them came
	err   error     // the first that the socket gave
	errAt time.Time
}

// watch makes a connection a watched one, whose reads and writes fail when ctx is done.
func watch(ctx context.Context, c net.Conn, timeout time.Duration) *watched {
	w := &watched{Conn: c, timeout: timeout, stage: StageConnect, since: time.Now()}
	w.unwatch = context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.ended = true
		c.SetDeadline(time.Unix(1, 0))
	})
	return w
}

// step says what the client does next; time and bytes count from here.
func (w *watched) step(s Stage) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stage, w.since, w.read, w.begun, w.quiet = s, time.Now(), 0, time.Time{}, false
	w.extend()
}

// rest takes the deadline away until the next step.
func (w *watched) rest() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.quiet = true
	if !w.ended {
		w.Conn.SetDeadline(time.Time{})
	}
}

// extend gives the network the timeout anew. The caller holds mu.
func (w *watched) extend() {
	if !w.quiet && !w.ended {
		w.Conn.SetDeadline(time.Now().Add(w.timeout))
	}
}

// Read is the connection's.
func (w *watched) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	w.moved(n, n, err)
	return n, err
}

// Write is the connection's.
func (w *watched) Write(b []byte) (int, error) {
	n, err := w.Conn.Write(b)
	w.moved(n, 0, err)
	return n, err
}

func (w *watched) moved(n, read int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if read > 0 && w.read == 0 {
		w.begun = time.Now()
	}
	w.read += int64(read)
	if n > 0 {
		w.extend()
	}
	if err != nil && w.err == nil {
		w.err, w.errAt = err, time.Now()
	}
}

// first is when the first byte of the step came, the zero time when none did.
func (w *watched) first() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.begun
}

// CloseWrite is the connection's, if it has one.
func (w *watched) CloseWrite() error {
	if c, ok := w.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Close closes the connection; one that failed, at once, so that the kernel does not go on with it in the next phase.
func (w *watched) Close() error {
	w.unwatch()
	w.mu.Lock()
	err := w.err
	w.mu.Unlock()
	if t, ok := w.Conn.(*net.TCPConn); ok && err != nil {
		t.SetLinger(0)
	}
	return w.Conn.Close()
}

// outcome closes the connection and says what became of it, after an error of the socket, or of what was spoken over it.
func (w *watched) outcome(err error) Outcome {
	w.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	o := Outcome{Stage: w.stage, After: w.errAt.Sub(w.since)}
	var elsewhere *elsewhereError
	switch {
	case errors.As(err, &elsewhere):
		return Outcome{Kind: BlockPage, Detail: elsewhere.url}
	case w.err == nil:
		return failed(err)
	case errors.Is(w.err, syscall.ECONNRESET), errors.Is(w.err, syscall.EPIPE):
		o.Kind = Reset
	case errors.Is(w.err, os.ErrDeadlineExceeded) && w.read == 0:
		o.Kind = Silent
	case errors.Is(w.err, os.ErrDeadlineExceeded):
		o.Kind, o.Bytes = Stalled, w.read
	case errors.Is(w.err, io.EOF):
		o.Kind = Closed
	case isUnreachable(w.err):
		o.Kind = Unreachable
	default:
		return failed(w.err)
	}
	return o
}

// refusal says why a connection did not open.
func refusal(err error, after time.Duration) Outcome {
	o := Outcome{Stage: StageConnect, After: after}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		o.Kind = Refused
	case errors.Is(err, syscall.ECONNRESET):
		o.Kind = Reset
	case isUnreachable(err):
		o.Kind = Unreachable
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT):
		o.Kind = Timeout
	default:
		return failed(err)
	}
	return o
}

func isUnreachable(err error) bool {
	return errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EPROTO) ||
		errors.Is(err, syscall.EACCES)
}

// failed is the outcome of what no other kind describes.
func failed(err error) Outcome {
	return Outcome{Kind: Failed, Detail: strings.Join(strings.Fields(err.Error()), " ")}
}
