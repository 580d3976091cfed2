package service

import (
	"crypto/ecdh"
	"crypto/rand"
	"crypto/tls"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
)

// ECHName is the name on the outside of a ClientHello whose real name is encrypted: Cloudflare's, for every server of the lab (choice).
const ECHName = "cloudflare-ech.com"

// The numbers of an ECHConfig (draft-ietf-tls-esni, 4) and of HPKE (RFC 9180, 7).
const (
	echVersion     = 0xfe0d
	hpkeX25519     = 0x0020
	hpkeHKDFSHA256 = 0x0001
	hpkeAES128GCM  = 0x0001
	echNameLength  = 64 // up to which names are padded: choice
)

// ech is the key by which the servers of a CA decrypt ClientHellos, and what clients need to encrypt them.
type ech struct {
	keys   []tls.EncryptedClientHelloKey
	config []byte // an ECHConfigList
}

func newECH() (ech, error) {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return ech{}, fmt.Errorf("making the key for ECH: %w", err)
	}
	var b cryptobyte.Builder
	b.AddUint16(echVersion)
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		b.AddUint8(1) // which of a server's keys it is
		b.AddUint16(hpkeX25519)
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(key.PublicKey().Bytes()) })
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			b.AddUint16(hpkeHKDFSHA256)
			b.AddUint16(hpkeAES128GCM)
		})
		b.AddUint8(echNameLength)
		b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(ECHName)) })
		b.AddUint16(0) // no extensions
	})
	config, err := b.Bytes()
	if err != nil {
		return ech{}, fmt.Errorf("writing the config for ECH: %w", err)
	}
	list := cryptobyte.NewBuilder(nil)
	list.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(config) })
	all, err := list.Bytes()
	return ech{[]tls.EncryptedClientHelloKey{{Config: config, PrivateKey: key.Bytes(), SendAsRetry: true}}, all}, err
}

// ECHConfigs is what a client needs to encrypt its ClientHello to any server of this CA, as tls.Config.EncryptedClientHelloConfigList
// takes it. In real life it comes by DNS (HTTPS records). Do not change it.
func (ca *CA) ECHConfigs() []byte { return ca.ech.config }
