package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// server runs handle for one connection on loopback, and gives the client's end.
func server(t *testing.T, handle func(*net.TCPConn)) net.Conn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err == nil {
			handle(c.(*net.TCPConn))
		}
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	return c
}

// ask writes the first step and reads until something ends it.
func ask(w *watched) Outcome {
	w.step(StageHello)
	_, err := w.Write([]byte("hello"))
	if err == nil {
		_, err = io.Copy(io.Discard, w)
	}
	if err == nil {
		err = io.EOF
	}
	return w.outcome(err)
}

func TestSocketsSayWhatHappened(t *testing.T) {
	const timeout = 100 * time.Millisecond
	stop := make(chan struct{})
	defer close(stop)
	read := func(c *net.TCPConn) { c.Read(make([]byte, 5)) }
	for name, c := range map[string]struct {
		handle func(*net.TCPConn)
		want   Outcome
	}{
		"reset":   {func(c *net.TCPConn) { read(c); c.SetLinger(0); c.Close() }, Outcome{Kind: Reset, Stage: StageHello}},
		"closed":  {func(c *net.TCPConn) { read(c); c.Close() }, Outcome{Kind: Closed, Stage: StageHello}},
		"silent":  {func(c *net.TCPConn) { read(c); <-stop }, Outcome{Kind: Silent, Stage: StageHello}},
		"stalled": {func(c *net.TCPConn) { read(c); c.Write(make([]byte, 1234)); <-stop }, Outcome{Kind: Stalled, Stage: StageHello, Bytes: 1234}},
	} {
		t.Run(name, func(t *testing.T) {
			got := ask(watch(t.Context(), server(t, c.handle), timeout))
			if got.Kind == Silent || got.Kind == Stalled {
				require.GreaterOrEqual(t, got.After, timeout)
			}
			got.After = 0
			require.Equal(t, c.want, got)
		})
	}
}

// A transfer may take longer than the timeout, as long as something moves.
func TestSlowIsNotSilent(t *testing.T) {
	const timeout = 500 * time.Millisecond
	w := watch(t.Context(), server(t, func(c *net.TCPConn) {
		for range 15 {
			time.Sleep(timeout / 10)
			c.Write([]byte{1})
		}
		c.Close()
	}), timeout)
	defer w.Close()
	w.step(StageRequest)
	n, err := io.Copy(io.Discard, w)
	require.NoError(t, err)
	require.EqualValues(t, 15, n)
}

func TestWatchedEndsWithTheContext(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	ctx, cancel := context.WithCancel(t.Context())
	w := watch(ctx, server(t, func(*net.TCPConn) { <-stop }), time.Hour)
	defer w.Close()
	w.rest()
	time.AfterFunc(10*time.Millisecond, cancel)
	_, err := w.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	w.step(StageRequest) // does not bring it back
	_, err = w.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
}

// An error above the socket is no doing of the network.
func TestErrorsAboveTheSocket(t *testing.T) {
	w := watch(t.Context(), server(t, func(*net.TCPConn) {}), time.Second)
	require.Equal(t, Outcome{Kind: Failed, Detail: "the server answers 404 Not Found"}, w.outcome(errors.New("the server answers\n404 Not Found")))
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		err  error
		want Kind
	}{
		{syscall.ECONNREFUSED, Refused}, {syscall.ECONNRESET, Reset}, {syscall.EHOSTUNREACH, Unreachable}, {syscall.ENETUNREACH, Unreachable},
		{os.ErrDeadlineExceeded, Timeout}, {context.DeadlineExceeded, Timeout}, {syscall.ETIMEDOUT, Timeout}, {syscall.EMFILE, Failed},
	} {
		got := refusal(fmt.Errorf("dial: %w", c.err), time.Second)
		require.Equal(t, c.want, got.Kind, c.err)
	}
}
