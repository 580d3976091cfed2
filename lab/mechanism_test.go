package lab

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/rules"
)

// custom starts a box with one rule.
func custom(t *testing.T, l *Lab, rule string) *Box {
	t.Helper()
	p, err := rules.Parse("custom.yaml", []byte("policy: custom\ndate: 2026-01-01\nabout: one rule\nprofile: {reassembly: {tcp: true}}\nrules:\n  - "+rule+"\n"), nil)
	require.NoError(t, err)
	c, err := p.Compile()
	require.NoError(t, err)
	b, err := l.StartBox("box", BoxOptions{Policy: c, Seed: 1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b
}

// The mechanisms that no shipped policy uses, on real packets: what a client of x.com meets, and Max beside it.
func TestMechanismsOnTheWire(t *testing.T) {
	l, s := subscriberLab(t)
	web := client(l, s)
	web.Timeout = 1500 * time.Millisecond
	silent := func(err error) bool { return errors.Is(err, context.DeadlineExceeded) || os.IsTimeout(err) }
	reset := func(err error) bool { return errors.Is(err, syscall.ECONNRESET) }
	for name, c := range map[string]struct {
		rule string
		url  string
		want func(error) bool
	}{
		"SNI-II": {"{rule: r, when: {sni: x.com}, do: {drop: both, after: 5..8 packets, residual: 420s}, source: {ref: 'IMC22*', confidence: P2}}",
			"https://x.com/download?bytes=1000000", silent},
		"SNI-IV": {"{rule: r, when: {sni: x.com}, do: {drop: both, residual: 40s}, source: {ref: 'IMC22*', confidence: P2}}",
			"https://x.com/", silent},
		"HTTP Host": {"{rule: r, when: {host: x.com}, do: {reset: server packet, residual: 75s}, source: {ref: HTTP24, confidence: P}}",
			"http://x.com/", reset},
		"TCP-only block": {"{rule: r, when: {to: [203.0.113.34, '2001:db8:20::2'], transport: tcp}, do: {drop: both}, source: {ref: 'N4P#671', confidence: A}}",
			"https://x.com/", silent},
		"policing": {"{rule: r, when: {sni: x.com}, do: {police: 140kbit, burst: 16KB}, source: {ref: IMC21, confidence: P}}",
			"https://x.com/download?bytes=1000000", silent},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := get(web, c.url)
			require.NoError(t, err, "without a box")
			b := custom(t, l, c.rule)
			_, err = get(web, c.url)
			require.Error(t, err)
			require.True(t, c.want(err), "%v", err)
			_, err = get(web, "https://max.ru/")
			require.NoError(t, err, "the control")
			require.NoError(t, b.Close())
			_, err = get(web, c.url)
			require.NoError(t, err, "the box is gone")
		})
	}
}

// What the policer lets through in a while is what its rate says (IMC21: 130 to 150 kbit/s, loss and no delay).
func TestPolicedRate(t *testing.T) {
	l, s := subscriberLab(t)
	b := custom(t, l, "{rule: r, when: {sni: x.com}, do: {police: 1mbit, burst: 16KB}, source: {ref: choice}}")
	start := time.Now()
	n, err := get(client(l, s), "https://x.com/download?bytes=400000")
	require.NoError(t, err)
	rate := float64(n) * 8 / time.Since(start).Seconds()
	t.Logf("%.0f kbit/s of payload", rate/1000)
	require.Less(t, rate, 1.1e6) // 16 KB of burst on top of 400 KB are 4 %
	require.Greater(t, rate, 0.5e6)
	c, err := b.Counters()
	require.NoError(t, err)
	require.NotZero(t, c.Dropped, "by loss")
	require.Greater(t, c.QueuedBytes, uint64(n), "every packet is counted")
}

// A residual block outlives the connection and not the box's clock (IMC22*: 75 seconds).
func TestResidualOnTheWire(t *testing.T) {
	l, s := subscriberLab(t)
	b := startBox(t, l, "2025-home", BoxOptions{})
	_, err := get(client(l, s), "https://x.com/")
	require.ErrorIs(t, err, syscall.ECONNRESET)

	// The same 5-tuple by hand: a clean first payload is answered by a reset as well.
	local := func() (net.Conn, error) {
		var c net.Conn
		err := l.Host("client").Do(func() (err error) {
			d := net.Dialer{Timeout: 5 * time.Second, LocalAddr: &net.TCPAddr{IP: net.IPv4(198, 51, 100, 2), Port: 50123}}
			c, err = d.DialContext(t.Context(), "tcp", "203.0.113.34:443")
			return err
		})
		return c, err
	}
	c, err := local()
	require.NoError(t, err)
	_, err = c.Write(helloFor("x.com"))
	require.NoError(t, err)
	c.SetReadDeadline(time.Now().Add(2 * time.Second))
	_, err = c.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNRESET)
	c.Close()

	require.NoError(t, b.Skip(70*time.Second))
	// Every answer comes out as RST/ACK. The server still has the old connection, which no reset has reached, and the client
	// does not believe a reset that answers something else than its SYN: so it is silence, and no refusal.
	_, err = local()
	require.Error(t, err)
	require.NoError(t, b.Skip(5*time.Second))
	c, err = local()
	require.NoError(t, err, "the time is over")
	c.Close()
}

// helloFor is the ClientHello of Go's own client.
func helloFor(name string) []byte {
	ours, theirs := net.Pipe()
	defer ours.Close()
	defer theirs.Close()
	go func() { _ = tls.Client(ours, &tls.Config{ServerName: name}).Handshake() }()
	b := make([]byte, 4096)
	n, _ := theirs.Read(b)
	return b[:n]
}
