package service

import (
	"crypto/ecdh"
	"crypto/rand"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"time"

	"filippo.io/edwards25519"
)

// ChatKeys is who the chat fronts of a lab are: a root that stands for WhatsApp's own, a static key for the handshake, and the chain of
// certificates that leads from the one to the other, as clients check it (whatsmeow, handshake.go). Nothing changes it; any goroutine.
type ChatKeys struct {
	Root [32]byte // the root's public key, X25519: what a client has to trust in place of WhatsApp's

	static *ecdh.PrivateKey
	chain  []byte // what goes encrypted into the server's first message
}

// Fields of CertChain, of a NoiseCertificate and of its details, and the serial of WhatsApp's root.
const (
	chainLeaf         = 1
	chainIntermediate = 2
	certDetails       = 1
	certSignature     = 2
	detailsSerial     = 1
	detailsIssuer     = 2
	detailsKey        = 3
	detailsNotBefore  = 4
	detailsNotAfter   = 5

	rootSerial         = 0
	intermediateSerial = 1
	leafSerial         = 200 // a number of two bytes, which makes the chain as long as the captured one (choice)
)

// NewChatKeys makes fresh keys and a chain that is valid from an hour ago for 30 days.
func NewChatKeys() (*ChatKeys, error) {
	keys := make([]*ecdh.PrivateKey, 3)
	for i := range keys {
		k, err := newKey()
		if err != nil {
			return nil, fmt.Errorf("making the chat's keys: %w", err)
		}
		keys[i] = k
	}
	root, intermediate, static := keys[0], keys[1], keys[2]
	chain := appendField(nil, chainLeaf, certificate(leafSerial, intermediateSerial, static.PublicKey().Bytes(), intermediate))
	chain = appendField(chain, chainIntermediate, certificate(intermediateSerial, rootSerial, intermediate.PublicKey().Bytes(), root))
	return &ChatKeys{Root: [32]byte(root.PublicKey().Bytes()), static: static, chain: chain}, nil
}

// certificate is a NoiseCertificate for a key.
func certificate(serial, issuer uint64, key []byte, by *ecdh.PrivateKey) []byte {
	now := time.Now()
	details := appendNumber(nil, detailsSerial, serial)
	details = appendNumber(details, detailsIssuer, issuer)
	details = appendField(details, detailsKey, key)
	details = appendNumber(details, detailsNotBefore, uint64(now.Add(-time.Hour).Unix()))
	details = appendNumber(details, detailsNotAfter, uint64(now.Add(30*24*time.Hour).Unix()))
	out := appendField(nil, certDetails, details)
	return appendField(out, certSignature, signX(by, details))
}

func appendNumber(out []byte, field int, value uint64) []byte {
	return binary.AppendUvarint(append(out, byte(field<<3)), value)
}

// signX signs with an X25519 key: XEdDSA as Signal wrote it down (signal.org/docs/specifications/xeddsa, 2.3 and 2.5).
func signX(private *ecdh.PrivateKey, message []byte) []byte {
	a, err := edwards25519.NewScalar().SetBytesWithClamping(private.Bytes())
	if err != nil {
		panic(err) // only for keys of another length
	}
	public := new(edwards25519.Point).ScalarBaseMult(a).Bytes()
	if public[31]&0x80 != 0 {
		a.Negate(a)
		public[31] &= 0x7f
	}
	random := make([]byte, 64)
	rand.Read(random) // never fails: crypto/rand
	prefix := make([]byte, 32)
	for i := range prefix {
		prefix[i] = 0xff
	}
	prefix[0] = 0xfe
	r := hashScalar(prefix, a.Bytes(), message, random)
	point := new(edwards25519.Point).ScalarBaseMult(r).Bytes()
	h := hashScalar(point, public, message)
	return append(point, edwards25519.NewScalar().MultiplyAdd(h, a, r).Bytes()...)
}

func hashScalar(parts ...[]byte) *edwards25519.Scalar {
	h := sha512.New()
	for _, p := range parts {
		h.Write(p)
	}
	s, err := edwards25519.NewScalar().SetUniformBytes(h.Sum(nil))
	if err != nil {
		panic(err) // only for other lengths than 64
	}
	return s
}
