package service

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"
)

// leafLimit bounds the certificates a CA keeps. A client that sends ever new names makes the CA work, not grow.
const leafLimit = 1024

// caLife is how long the CA and its leaves are valid: longer than any run, short enough for clients that refuse leaves
// of more than 398 days.
const caLife = 30 * 24 * time.Hour

// CA is a certificate authority for one run of the lab: its key lives in memory only. It issues a leaf certificate for
// whatever name a client asks for, at the time it asks.
//
// All methods may be called from any goroutine.
type CA struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	ech  ech

	mu     sync.Mutex
	leaves map[string]*tls.Certificate
}

// NewCA makes a CA with a fresh ECDSA P-256 key, valid from an hour ago for 30 days.
func NewCA() (*CA, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the CA's key: %w", err)
	}
	tmpl := template("dpilab run CA")
	tmpl.IsCA = true
	tmpl.BasicConstraintsValid = true
	tmpl.MaxPathLenZero = true
	tmpl.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making the CA's certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("reading the CA's certificate back: %w", err)
	}
	hidden, err := newECH()
	if err != nil {
		return nil, err
	}
	return &CA{cert: cert, key: key, ech: hidden, leaves: make(map[string]*tls.Certificate)}, nil
}

func template(name string) *x509.Certificate {
	serial := make([]byte, 16)
	rand.Read(serial) // never fails: crypto/rand
	serial[0] &= 0x7f
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(caLife),
	}
}

// TLS is a server configuration that presents a leaf for whatever name the client asks for, and offers the given
// application protocols (ALPN). Clients may encrypt their ClientHello, see ECHConfigs. The caller may change it.
func (ca *CA) TLS(protocols ...string) *tls.Config {
	return &tls.Config{GetCertificate: ca.GetCertificate, NextProtos: protocols, MinVersion: tls.VersionTLS12, EncryptedClientHelloKeys: ca.ech.keys}
}

// GetCertificate issues a leaf for the SNI of the hello or, where it has none, for the address the client reached.
// It fits tls.Config.GetCertificate.
func (ca *CA) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if hello.ServerName != "" {
		return ca.Leaf(hello.ServerName)
	}
	if hello.Conn == nil {
		return nil, errors.New("a ClientHello without a server name, over no connection")
	}
	host, _, err := net.SplitHostPort(hello.Conn.LocalAddr().String())
	if err != nil {
		return nil, fmt.Errorf("a ClientHello without a server name: %w", err)
	}
	return ca.Leaf(host)
}

// Leaf gives a certificate for a DNS name or an IP address, from the cache where it is there. The result is shared:
// do not change it.
func (ca *CA) Leaf(host string) (*tls.Certificate, error) {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if len(host) == 0 || len(host) > 253 {
		return nil, fmt.Errorf("no certificate for a name of %d bytes: 1 to 253 are possible", len(host))
	}
	ca.mu.Lock()
	defer ca.mu.Unlock()
	if leaf, ok := ca.leaves[host]; ok {
		return leaf, nil
	}
	leaf, err := ca.issue(host)
	if err != nil {
		return nil, fmt.Errorf("issuing a certificate for %q: %w", host, err)
	}
	for name := range ca.leaves {
		if len(ca.leaves) < leafLimit {
			break
		}
		delete(ca.leaves, name)
	}
	ca.leaves[host] = leaf
	return leaf, nil
}

func (ca *CA) issue(host string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	tmpl := template(host)
	if len(host) > 64 { // the upper bound of a common name (RFC 5280, A.1); the alternative name carries it anyway
		tmpl.Subject.CommonName = ""
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		tmpl.IPAddresses = []net.IP{addr.WithZone("").AsSlice()}
	} else {
		tmpl.DNSNames = []string{host}
	}
	tmpl.KeyUsage = x509.KeyUsageDigitalSignature
	tmpl.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, ca.cert, key.Public(), ca.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der, ca.cert.Raw}, PrivateKey: key, Leaf: leaf}, nil
}

// Pool is a new pool that trusts this CA and nothing else.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	return pool
}

// PEM is the CA's certificate, without its key.
func (ca *CA) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw})
}

// WriteFile writes the CA's certificate to a PEM file that anyone may read.
func (ca *CA) WriteFile(file string) error {
	if err := os.WriteFile(file, ca.PEM(), 0o644); err != nil {
		return fmt.Errorf("writing the CA's certificate: %w", err)
	}
	return nil
}

// Env is the variables, as "NAME=file", by which programs outside the lab's own code learn to trust the CA in the PEM
// file: OpenSSL and Go, curl, Node.js, Python's requests and httplib2, git, pip, the AWS and gRPC libraries, cargo,
// Deno. Browsers have none: they need the certificate in their profile.
func Env(file string) []string {
	names := []string{
		"SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "HTTPLIB2_CA_CERTS",
		"GIT_SSL_CAINFO", "PIP_CERT", "AWS_CA_BUNDLE", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "CARGO_HTTP_CAINFO", "DENO_CERT",
	}
	env := make([]string, len(names))
	for i, name := range names {
		env[i] = name + "=" + file
	}
	return env
}
