package craft

import (
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"math/rand/v2"
	"time"
)

// ServerFlight12 is what a server of TLS 1.2 answers a hello with: ServerHello, a real self-signed Certificate with these names, the first
// as common name too, ServerKeyExchange and ServerHelloDone, each in a record. The certificate is padded until the flight has
// about n bytes.
func ServerFlight12(r *rand.Rand, names []string, n int) ([]byte, error) {
	key := ed25519.NewKeyFromSeed(Random(r, ed25519.SeedSize))
	t := &x509.Certificate{
		SerialNumber: big.NewInt(r.Int64()),
		Subject:      pkix.Name{CommonName: names[0]},
		DNSNames:     names,
		NotBefore:    time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:     time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	const others = 5 + 74 + 5 + 10 + 5 + 300 + 9 + 400 // the other messages, and the bare certificate, about
	if padding := n - others; padding > 0 {
		t.ExtraExtensions = []pkix.Extension{{Id: []int{1, 3, 6, 1, 4, 1, 32473, 1}, Value: Random(r, padding)}}
	}
	der, err := x509.CreateCertificate(nil, t, t, key.Public(), key)
	if err != nil {
		return nil, err
	}
	list := append(length24(der), der...)
	b := Record(TypeHandshake, 3, serverHello(r, 0xc02b, []Extension{renegotate, points, ticket}))
	certificate := handshake(11, append(length24(list), list...))
	for len(certificate) > maxRecord {
		b = append(b, Record(TypeHandshake, 3, certificate[:maxRecord])...)
		certificate = certificate[maxRecord:]
	}
	b = append(b, Record(TypeHandshake, 3, certificate)...)
	exchange := append([]byte{3, 0, groupX25519, lengthX25519}, Random(r, lengthX25519)...)
	exchange = append(append(exchange, 8, 7, 0, 64), Random(r, 64)...)
	b = append(b, Record(TypeHandshake, 3, handshake(12, exchange))...)
	return append(b, Record(TypeHandshake, 3, handshake(14, nil))...), nil
}

func length24(b []byte) []byte { return []byte{byte(len(b) >> 16), byte(len(b) >> 8), byte(len(b))} }
