package service

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
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
