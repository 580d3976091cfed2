package lab

import (
	"crypto/tls"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/rules"
)

// custom starts a box with one rule.
func custom(t *testing.T, l *Lab, rule string) *Box {
	t.Helper()
	return boxOf(t, l, rule, BoxOptions{})
}

func boxOf(t *testing.T, l *Lab, rule string, o BoxOptions) *Box {
	t.Helper()
	p, err := rules.Parse("custom.yaml", []byte("policy: custom\ndate: 2026-01-01\nabout: one rule\nprofile: {reassembly: {tcp: true}}\nrules:\n  - "+rule+"\n"), nil)
	require.NoError(t, err)
	o.Policy, err = p.Compile()
	require.NoError(t, err)
	o.Seed = 1
	b, err := l.StartBox("box", o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b
}

// The mechanisms that no shipped policy uses, on real packets: what a client of x.com meets, and Max beside it.
func TestMechanismsOnTheWire(t *testing.T) {
	l, s := subscriberLab(t)
	for name, c := range map[string]struct {
		rule string
		url  string
		web  func(*Lab, *Services) *http.Client
		want func(error) bool
	}{
		"SNI-II": {"{rule: r, when: {sni: x.com}, do: {drop: both, after: 5..8 packets, residual: 420s}, source: {ref: 'IMC22*', confidence: P2}}",
			"https://x.com/download?bytes=1000000", hasty, silent},
		"SNI-IV": {"{rule: r, when: {sni: x.com}, do: {drop: both, residual: 40s}, source: {ref: 'IMC22*', confidence: P2}}",
			"https://x.com/", hasty, silent},
		"HTTP Host": {"{rule: r, when: {host: x.com}, do: {reset: server packet, residual: 75s}, source: {ref: HTTP24, confidence: P}}",
			"http://x.com/", client, reset},
		"TCP-only block": {"{rule: r, when: {to: [203.0.113.34, '2001:db8:20::2'], transport: tcp}, do: {drop: both}, source: {ref: 'N4P#671', confidence: A}}",
			"https://x.com/", hasty, silent},
		"policing": {"{rule: r, when: {sni: x.com}, do: {police: 140kbit, burst: 16KB}, source: {ref: IMC21, confidence: P}}",
			"https://x.com/download?bytes=1000000", hasty, silent},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := get(client(l, s), c.url)
			require.NoError(t, err, "without a box")
			b := custom(t, l, c.rule)
			_, err = get(c.web(l, s), c.url)
			require.Error(t, err)
			require.True(t, c.want(err), "%v", err)
			require.NotZero(t, acted(t, b))
			_, err = get(client(l, s), "https://max.ru/")
			require.NoError(t, err, "the control")
			require.NoError(t, b.Close())
			_, err = get(client(l, s), c.url)
			require.NoError(t, err, "the box is gone")
		})
	}
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
