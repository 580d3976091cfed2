package inspect

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type certificateSpec struct {
	common string
	names  []string
	chain  int // more certificates behind the leaf
}

func certificateOf(t testing.TB, s certificateSpec) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: s.common, Organization: []string{"organisation.example"}},
		DNSNames: s.names, IPAddresses: []net.IP{net.IPv4(203, 0, 113, 10)}, EmailAddresses: []string{"post@mail.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
	issuer := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "issuer.example"}}
	leaf, err := x509.CreateCertificate(rand.Reader, template, issuer, &key.PublicKey, key)
	require.NoError(t, err)
	c := tls.Certificate{Certificate: [][]byte{leaf}, PrivateKey: key}
	for range s.chain {
		c.Certificate = append(c.Certificate, leaf)
	}
	return c
}

// serverFlight gives what crypto/tls's server sends in a handshake.
func serverFlight(t testing.TB, c tls.Certificate, version uint16) []byte {
	t.Helper()
	client, server := net.Pipe()
	go func() { _ = tls.Server(server, &tls.Config{Certificates: []tls.Certificate{c}}).Handshake() }()
	flight := &bytes.Buffer{}
	err := tls.Client(teed{io.TeeReader(client, flight), client}, &tls.Config{InsecureSkipVerify: true, MaxVersion: version}).Handshake()
	require.NoError(t, err)
	require.NoError(t, client.Close())
	return flight.Bytes()
}

// teed is a connection whose reads go through a reader of its own.
type teed struct {
	reader io.Reader
	net.Conn
}

func (c teed) Read(b []byte) (int, error) { return c.reader.Read(b) }

func namesOf(c *Certificate) []string {
	names := []string{}
	for name := range c.Names {
		names = append(names, string(name))
	}
	return names
}

func TestCertificateOfGo(t *testing.T) {
	for _, s := range []certificateSpec{
		{common: "Blocked.Example", names: []string{"blocked.example", "*.blocked.example"}},
		{common: "only.example"},
		{names: []string{"san.example"}},
		{},
		{common: "chain.example", chain: 3},
		{common: "many.example", names: manyNames(300)},
	} {
		flight := serverFlight(t, certificateOf(t, s), tls.VersionTLS12)
		want := append([]string{}, s.names...)
		if s.common != "" {
			want = append([]string{s.common}, want...)
		}
		c := new(Certificate)
		require.Equal(t, Yes, c.Flight(flight))
		require.Equal(t, want, namesOf(c))

		// More until the leaf is there, then Yes; and cutting records changes nothing.
		r := More
		for n := range flight {
			next := c.Flight(flight[:n])
			require.GreaterOrEqual(t, next, r)
			require.NotEqual(t, No, next)
			require.Equal(t, next == Yes, len(c.leaf) > 0)
			r = next
		}
		for _, size := range []int{1, 7, 100} {
			require.Equal(t, Yes, c.Flight(cutAll(flight, size)))
			require.Equal(t, want, namesOf(c))
		}
	}
}

func manyNames(n int) []string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("name-%d.many.example", i))
	}
	return names
}

// cutAll cuts the handshake records at the front of a stream into records of so many bytes.
func cutAll(stream []byte, size int) []byte {
	var content, out []byte
	for len(stream) > recordHeader && stream[0] == typeHandshake {
		n := int(stream[3])<<8 | int(stream[4])
		content = append(content, stream[recordHeader:recordHeader+n]...)
		stream = stream[recordHeader+n:]
	}
	for part := range slices.Chunk(content, size) {
		out = append(append(out, typeHandshake, 3, 3, 0, byte(len(part))), part...)
	}
	return append(out, stream...)
}

func TestCertificateIsHiddenSinceTLS13(t *testing.T) {
	flight := serverFlight(t, certificateOf(t, certificateSpec{common: "blocked.example"}), tls.VersionTLS13)
	c := new(Certificate)
	require.Equal(t, No, c.Flight(flight))
	require.Empty(t, namesOf(c))
}

func TestCertificatesOfTheCaptures(t *testing.T) {
	found := 0
	for name := range tlsNames {
		for _, f := range capture(t, name) {
			if !f.tcp || f.client {
				continue
			}
			c := new(Certificate)
			r := c.Flight(f.stream())
			if name != "curl_tls12" && name != "ss_libev_obfs_tls" {
				require.Equal(t, No, r, name)
			}
			if r == Yes {
				found++
				require.Contains(t, namesOf(c), "blocked.example", name)
			}
		}
	}
	require.Equal(t, 1, found)
}

func TestCertificateRefuses(t *testing.T) {
	flight := serverFlight(t, certificateOf(t, certificateSpec{common: "blocked.example"}), tls.VersionTLS12)
	hello := recordHeader + int(flight[3])<<8 + int(flight[4])
	change := func(at int, value byte) []byte {
		b := bytes.Clone(flight)
		b[at] = value
		return b
	}
	resumed := append(bytes.Clone(flight[:hello]), 20, 3, 3, 0, 1, 1)
	ticket := append(bytes.Clone(flight[:hello]), typeHandshake, 3, 3, 0, 4, 4, 0, 0, 0)
	for name, stream := range map[string][]byte{
		"alert": {21, 3, 3, 0, 2, 2, 40}, "ClientHello": change(5, 1), "certificate first": flight[hello:], "resumed": resumed, "ticket": ticket,
		"hello twice": append(bytes.Clone(flight[:hello]), flight[:hello]...), "record of 2": change(1, 2),
		"list longer than the message": change(hello+recordHeader+4, 1), "leaf longer than the list": change(hello+recordHeader+7, 1),
		"HTTP": []byte("HTTP/1.1 200 OK\r\n"),
	} {
		c := new(Certificate)
		require.Equal(t, No, c.Flight(stream), name)
		require.Empty(t, namesOf(c), name)
	}

	// A certificate of more than the scratch.
	c := new(Certificate)
	require.Equal(t, No, c.Flight(serverFlight(t, certificateOf(t, certificateSpec{names: manyNames(800)}), tls.VersionTLS12)))
}

func TestNamesEndWhenTold(t *testing.T) {
	c := new(Certificate)
	require.Equal(t, Yes, c.Flight(serverFlight(t, certificateOf(t, certificateSpec{common: "a.example", names: manyNames(3)}), tls.VersionTLS12)))
	for want := 1; want <= 4; want++ {
		got := 0
		for range c.Names {
			if got++; got == want {
				break
			}
		}
		require.Equal(t, want, got)
	}
}

func TestCertificateDoesNotAllocate(t *testing.T) {
	flight := serverFlight(t, certificateOf(t, certificateSpec{common: "a.example", names: manyNames(30)}), tls.VersionTLS12)
	c, bytes := new(Certificate), 0
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_ = c.Flight(flight)
		for name := range c.Names {
			bytes += len(name)
		}
	}))
	require.Positive(t, bytes)
}

func FuzzCertificate(f *testing.F) {
	f.Add(serverFlight(f, certificateOf(f, certificateSpec{common: "a.example", names: []string{"b.example"}}), tls.VersionTLS12))
	for _, flow := range capture(f, "curl_tls12") {
		if !flow.client {
			f.Add(flow.stream())
		}
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		c, again := new(Certificate), new(Certificate)
		r := c.Flight(stream)
		names := namesOf(c)
		if r != Yes {
			require.Empty(t, names)
			return
		}
		for _, n := range cuts(len(stream)) {
			require.NotEqual(t, No, again.Flight(stream[:n]), "%d", n)
		}
		// crypto/x509 is the twin, where it reads the certificate.
		if parsed, err := x509.ParseCertificate(c.leaf); err == nil {
			for _, name := range parsed.DNSNames {
				require.True(t, name == "" || slices.Contains(names, name), name)
			}
			if common := parsed.Subject.CommonName; common != "" && !strings.Contains(common, "\uFFFD") {
				require.Contains(t, names, common)
			}
		}
	})
}
