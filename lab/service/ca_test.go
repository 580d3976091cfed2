package service

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLeafIsValidForItsNameOnly(t *testing.T) {
	ca := newCA(t)
	for _, host := range []string{"web.whatsapp.com", "WEB.whatsapp.com.", "203.0.113.10", "2001:db8::1", strings.Repeat("a.", 60) + "example"} {
		leaf, err := ca.Leaf(host)
		require.NoError(t, err, host)
		name := strings.TrimSuffix(host, ".")
		_, err = leaf.Leaf.Verify(x509.VerifyOptions{Roots: ca.Pool(), DNSName: name})
		require.NoError(t, err, host)
		_, err = leaf.Leaf.Verify(x509.VerifyOptions{Roots: ca.Pool(), DNSName: "other.example"})
		require.Error(t, err, host)
		_, err = leaf.Leaf.Verify(x509.VerifyOptions{Roots: newCA(t).Pool(), DNSName: name})
		require.Error(t, err, "another run's CA")
	}
	for _, host := range []string{"", ".", strings.Repeat("a", 254)} {
		_, err := ca.Leaf(host)
		require.Error(t, err)
	}
}

func TestLeavesAreCachedAndBounded(t *testing.T) {
	ca := newCA(t)
	first, err := ca.Leaf("a.example")
	require.NoError(t, err)
	again, err := ca.Leaf("A.example")
	require.NoError(t, err)
	require.Same(t, first, again)
	for i := range leafLimit + 50 {
		_, err := ca.Leaf(fmt.Sprintf("n%d.example", i))
		require.NoError(t, err)
	}
	require.Len(t, ca.leaves, leafLimit)
}

// Without SNI the certificate is for the address the client reached.
func TestHelloWithoutSNI(t *testing.T) {
	ca := newCA(t)
	s := running(t, ServeHTTPS(t.Context(), listen(t), ca, WebOptions{}))
	c, err := tls.Dial("tcp", s.Addr().String(), &tls.Config{RootCAs: ca.Pool()})
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1", c.ConnectionState().PeerCertificates[0].IPAddresses[0].String())
	c.Close()
	_, err = ca.GetCertificate(&tls.ClientHelloInfo{})
	require.Error(t, err)
}

func TestPEMFileAndEnv(t *testing.T) {
	ca := newCA(t)
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, ca.WriteFile(file))
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	block, rest := pem.Decode(data)
	require.Empty(t, rest)
	cert, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	require.True(t, cert.IsCA)
	require.Contains(t, Env(file), "SSL_CERT_FILE="+file)
	require.Error(t, ca.WriteFile(filepath.Join(t.TempDir(), "no", "where")))
}

// A client that encrypts its ClientHello shows Cloudflare's name outside, and gets the certificate of the name inside.
func TestECH(t *testing.T) {
	ca := newCA(t)
	s := running(t, ServeHTTPS(t.Context(), listen(t), ca, WebOptions{}))
	var outer string
	l := listen(t)
	spy := running(t, Forward(t.Context(), l, func(ctx context.Context) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Addr().String())
		return &firstWrite{Conn: c, see: func(b []byte) { outer = string(b) }}, err
	}))
	c, err := tls.Dial("tcp", spy.Addr().String(), &tls.Config{ServerName: "hidden.example", RootCAs: ca.Pool(), EncryptedClientHelloConfigList: ca.ECHConfigs()})
	require.NoError(t, err)
	require.True(t, c.ConnectionState().ECHAccepted)
	require.Equal(t, []string{"hidden.example"}, c.ConnectionState().PeerCertificates[0].DNSNames)
	require.NoError(t, c.Close())
	require.NoError(t, spy.Close())
	require.Contains(t, outer, ECHName)
	require.NotContains(t, outer, "hidden")

	_, err = tls.Dial("tcp", s.Addr().String(), &tls.Config{ServerName: "hidden.example", RootCAs: ca.Pool(), EncryptedClientHelloConfigList: newCA(t).ECHConfigs()})
	require.ErrorAs(t, err, new(*tls.ECHRejectionError), "another run's key")
}

// firstWrite is a connection that shows what is written to it first.
type firstWrite struct {
	net.Conn
	see func([]byte)
}

func (f *firstWrite) Write(b []byte) (int, error) {
	if f.see != nil {
		f.see(b)
		f.see = nil
	}
	return f.Conn.Write(b)
}
