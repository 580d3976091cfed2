package dpi

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/rules"
)

// tap keeps what is written to a connection before the first read that follows it.
type tap struct {
	net.Conn
	mu   sync.Mutex
	sent []byte
	done bool
}

func (c *tap) Write(b []byte) (int, error) {
	c.mu.Lock()
	if !c.done {
		c.sent = append(c.sent, b...)
	}
	c.mu.Unlock()
	return c.Conn.Write(b)
}

func (c *tap) Read(b []byte) (int, error) {
	c.mu.Lock()
	c.done = c.done || len(c.sent) > 0
	c.mu.Unlock()
	return c.Conn.Read(b)
}

// serverFlight is what a server of the standard library answers a hello with, under a certificate with these names.
func serverFlight(t *testing.T, version uint16, names ...string) []byte {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	from := x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: names, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &from, &from, key.Public(), key)
	require.NoError(t, err)
	client, server := net.Pipe()
	defer client.Close()
	defer server.Close()
	end := &tap{Conn: server}
	done := make(chan error, 1)
	go func() {
		done <- tls.Server(end, &tls.Config{MaxVersion: version, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}).Handshake()
	}()
	require.NoError(t, tls.Client(client, &tls.Config{InsecureSkipVerify: true, MaxVersion: version}).Handshake())
	require.NoError(t, <-done)
	return end.sent
}

// B36: the names of the server's certificate are read in TLS 1.2 (O008, O214: ZAP-doc, C), not in 1.3 (O215), and nobody did in 2021
// (O007: IMC21, P): a policy that does not ask.
func TestCertificate(t *testing.T) {
	rule := blocks(rules.Condition{Certificate: []string{"blocked.example"}})
	old := serverFlight(t, tls.VersionTLS12, "first.example", "blocked.example", "last.example")
	other := serverFlight(t, tls.VersionTLS12, "allowed.example")
	hidden := hello("blocked.example", 30) // two records, which the box does not join
	down := func(w *wire, pieces ...[]byte) (last Action) {
		for _, p := range pieces {
			last = w.down(p)
		}
		return last
	}
	for _, up := range [][]byte{hidden, hello("any.example")} {
		w := reads(t, joinsTCP, rule)
		require.Equal(t, Accept, w.connect().up(up))
		require.Equal(t, Drop, down(w, old), "in one segment")
		require.Equal(t, "blocked.example", w.events[0].Name)
		require.Equal(t, Accept, w.connect().up(up))
		require.Equal(t, Accept, w.down(old[:300]))
		require.Equal(t, Drop, down(w, old[300:]), "in two")
		require.Equal(t, Accept, w.connect().up(up))
		require.Equal(t, Accept, down(w, split(old, 60)...), "O214: in small pieces")
		require.Equal(t, Accept, w.connect().up(up))
		require.Equal(t, Accept, down(w, other))
		require.Equal(t, Accept, w.connect().up(up))
		require.Equal(t, Accept, down(w, serverFlight(t, tls.VersionTLS13, "blocked.example")), "O215: TLS 1.3")
	}
	w := reads(t, nil, rule)
	require.Equal(t, Accept, w.connect().up(hidden))
	require.Equal(t, Drop, down(w, old), "no reassembly, one segment")
	require.Equal(t, Accept, w.connect().up(hidden))
	require.Equal(t, Accept, down(w, old[:300], old[300:]), "no reassembly, two")
	require.Equal(t, Accept, w.connect().up([]byte{0x99}))
	require.Equal(t, Accept, down(w, old), "no hello before it")

	w = reads(t, joinsTCP, blocks(rules.Condition{SNI: []string{"blocked.example"}}))
	require.Equal(t, Accept, w.connect().up(hidden))
	require.Equal(t, Accept, down(w, old), "O007")
}
