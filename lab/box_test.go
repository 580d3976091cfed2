package lab

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/nfq"
	"dpilab/rules"
)

// subscriberLab is the shipped lab with its services.
func subscriberLab(t *testing.T) (*Lab, *Services) {
	t.Helper()
	live(t)
	top, err := OpenTopology("subscriber")
	require.NoError(t, err)
	l, err := Build(t.Context(), top, Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	s, err := l.Serve(context.Background())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return l, s
}

func startBox(t *testing.T, l *Lab, policy string, o BoxOptions) *Box {
	t.Helper()
	p, err := rules.Open(policy)
	require.NoError(t, err)
	o.Policy, err = p.Compile()
	require.NoError(t, err)
	b, err := l.StartBox("box", o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b
}

// client is an HTTPS client on the subscriber's host.
func client(l *Lab, s *Services) *http.Client {
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		DialContext:       l.Host("client").Dialer().DialContext,
		TLSClientConfig:   &tls.Config{RootCAs: s.CA.Pool()},
		ForceAttemptHTTP2: true,
		DisableKeepAlives: true,
	}}
}

// patience is how long a test waits before it takes a request for one that gets no answer.
const patience = 1500 * time.Millisecond

// hasty is a client that gives up soon, for requests that are to get no answer. Those that are to get one have all the time of client,
// however busy the machine is.
//
// Each request has a client of its own. A client goes on with a handshake whose request has been given up; once the box that held it up
// is gone, it finishes, and the connection, which the next box has never met, would serve a later request of the same client.
func hasty(l *Lab, s *Services) *http.Client {
	c := client(l, s)
	c.Timeout = patience
	return c
}

// silent tells whether nothing came before the time was over.
func silent(err error) bool { return errors.Is(err, context.DeadlineExceeded) || os.IsTimeout(err) }

// reset tells whether the connection ended by a reset.
func reset(err error) bool { return errors.Is(err, syscall.ECONNRESET) }

// acted is how many packets the box has dropped or rewritten, itself or through the kernel.
func acted(t *testing.T, b *Box) uint64 {
	t.Helper()
	c, err := b.Counters()
	require.NoError(t, err)
	return c.Dropped + c.OffloadedDrop + c.Blocked + c.Rewritten
}

func get(c *http.Client, url string) (int64, error) {
	r, err := c.Get(url)
	if err != nil {
		return 0, err
	}
	defer r.Body.Close()
	return io.Copy(io.Discard, r.Body)
}

// X is blocked by name since March 2022: the server's answer comes out as a reset. Max is the control, and without a box X
// is open: the block is proved from both sides.
func TestBoxBlocksByName(t *testing.T) {
	l, s := subscriberLab(t)
	web := client(l, s)
	_, err := get(web, "https://x.com/")
	require.NoError(t, err, "without a box")
	b := startBox(t, l, "2025-home", BoxOptions{})
	_, err = get(web, "https://x.com/")
	require.ErrorIs(t, err, syscall.ECONNRESET)
	_, err = get(web, "https://max.ru/")
	require.NoError(t, err)
	c, err := b.Counters()
	require.NoError(t, err)
	require.NotZero(t, c.Rewritten)
	require.NoError(t, b.Close())
	_, err = get(web, "https://x.com/")
	require.NoError(t, err, "the box is gone")
}

// A decided flow leaves userspace: of a long download only its start goes through the engine.
func TestOffload(t *testing.T) {
	const bytes = 20_000_000
	l, s := subscriberLab(t)
	web := client(l, s)
	for _, without := range []nfq.Kernel{0, nfq.KernelAll} {
		b := startBox(t, l, "2025-home", BoxOptions{Without: without})
		n, err := get(web, "https://max.ru/download?bytes=20000000")
		require.NoError(t, err)
		require.EqualValues(t, bytes, n)
		c, err := b.Counters()
		require.NoError(t, err)
		if without != 0 {
			require.Greater(t, c.QueuedBytes, uint64(bytes))
			require.Zero(t, c.OffloadedPass)
		} else {
			require.Less(t, c.QueuedBytes, uint64(200_000))
			require.Greater(t, c.OffloadedPassBytes, uint64(bytes))
		}
		require.NoError(t, b.Close())
	}
}

// The address of a WhatsApp server is dead for every protocol in February 2026, and a reload reaches new flows alone.
func TestReloadOnTheWire(t *testing.T) {
	l, _ := subscriberLab(t)
	b := startBox(t, l, "2025-home", BoxOptions{})
	dial := func() (net.Conn, error) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		return l.Host("client").DialContext(ctx, "tcp", "203.0.113.2:5222")
	}
	echo := func(c net.Conn) error {
		c.SetDeadline(time.Now().Add(time.Second))
		c.Write([]byte("WA\x06\x03\x00\x00\x01x")) // refused by the server, which closes: an answer
		_, err := c.Read(make([]byte, 1))
		if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
			return nil
		}
		return err
	}
	old, err := dial()
	require.NoError(t, err)
	defer old.Close()
	p, err := rules.Shipped("2026-whatsapp")
	require.NoError(t, err)
	compiled, err := p.Compile()
	require.NoError(t, err)
	require.NoError(t, b.SetPolicy(compiled))
	young, err := dial()
	require.NoError(t, err, "the first payload decides, not the SYN")
	defer young.Close()
	require.Error(t, echo(young))
	require.NoError(t, echo(old))
}

// A lab lets go of boxes that are closed, and of the flows that they remember.
func TestLabForgetsClosedBoxes(t *testing.T) {
	live(t)
	top, err := OpenTopology("subscriber")
	require.NoError(t, err)
	l, err := Build(t.Context(), top, Options{})
	require.NoError(t, err)
	defer l.Close()
	for range 3 {
		require.NoError(t, startBox(t, l, "2025-home", BoxOptions{}).Close())
	}
	require.Len(t, l.boxes, 1)
}
