package tools

import (
	"crypto/ecdh"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"

	"dpilab/lab/service"
)

// letters of a password. 62 of 256 values: the first four of them come a little more often, which harms nothing here.
const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// random gives n bytes. It never fails: crypto/rand ends the program instead.
func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// make puts the secret's values under its placeholders. Certificates are written into dir.
func (s secret) make(values map[string]string, dir string, services *service.CA) error {
	switch s.kind {
	case "uuid": // version 4, RFC 9562, 5.4
		b := random(16)
		b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
		values[s.name] = fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	case "password":
		b := random(s.length)
		for i := range b {
			b[i] = letters[int(b[i])%len(letters)]
		}
		values[s.name] = string(b)
	case "base64":
		values[s.name] = base64.StdEncoding.EncodeToString(random(s.length))
	case "hex":
		values[s.name] = hex.EncodeToString(random(s.length))
	case "x25519":
		return s.pair(values, base64.RawURLEncoding)
	case "wireguard":
		return s.pair(values, base64.StdEncoding)
	case "certificate":
		return s.certificate(values, dir, services)
	}
	return nil
}

// pair makes a key pair of Curve25519, the private key clamped as wg(8) and xray do it.
func (s secret) pair(values map[string]string, encoding *base64.Encoding) error {
	b := random(32)
	b[0], b[31] = b[0]&0xf8, b[31]&0x7f|0x40
	key, err := ecdh.X25519().NewPrivateKey(b)
	if err != nil {
		return err
	}
	values[s.name+".private"] = encoding.EncodeToString(b)
	values[s.name+".public"] = encoding.EncodeToString(key.PublicKey().Bytes())
	return nil
}

// certificate writes a leaf of the lab's CA, with the chain, and its key.
func (s secret) certificate(values map[string]string, dir string, ca *service.CA) error {
	leaf, err := ca.Leaf(fill(s.of, values))
	if err != nil {
		return err
	}
	var chain []byte
	for _, der := range leaf.Certificate {
		chain = append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	der, err := x509.MarshalPKCS8PrivateKey(leaf.PrivateKey)
	if err != nil {
		return err
	}
	values[s.name+".cert"] = filepath.Join(dir, s.name+".cert.pem")
	values[s.name+".key"] = filepath.Join(dir, s.name+".key.pem")
	values[s.name+".ca"] = values["ca"]
	if err := os.WriteFile(values[s.name+".cert"], chain, 0o644); err != nil {
		return err
	}
	return os.WriteFile(values[s.name+".key"], pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}
