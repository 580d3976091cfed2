package service

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// The handshake is Noise_XX_25519_AESGCM_SHA256 with the WA header as its prologue (noiseprotocol.org, revision 34), but for one thing:
// Noise (5.2) hashes the empty payload of the first message, and WhatsApp's clients (whatsmeow, Baileys) do not. That is why no library of
// Noise fits here, and what lets those clients finish.
const noiseName = "Noise_XX_25519_AESGCM_SHA256\x00\x00\x00\x00" // 32 bytes: the hash to begin with

// symmetric is the symmetric state of a handshake (5.2), of one side.
type symmetric struct {
	hash, chain [sha256.Size]byte
	sealer
}

func newSymmetric(prologue []byte) *symmetric {
	s := &symmetric{}
	copy(s.hash[:], noiseName)
	s.chain = s.hash
	s.mixHash(prologue)
	return s
}

func (s *symmetric) mixHash(b []byte) { s.hash = sha256.Sum256(append(s.hash[:], b...)) }

// mixKey takes the secret that two keys share into the chain.
func (s *symmetric) mixKey(private *ecdh.PrivateKey, public []byte) error {
	p, err := ecdh.X25519().NewPublicKey(public)
	if err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	shared, err := private.ECDH(p)
	if err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	first, second := s.derive(shared)
	copy(s.chain[:], first)
	s.sealer = newSealer(second)
	return nil
}

// derive is HKDF of Noise (4.3) with two outputs, which is that of RFC 5869 without info.
func (s *symmetric) derive(secret []byte) (first, second []byte) {
	out, err := hkdf.Key(sha256.New, secret, s.chain[:], "", 2*sha256.Size)
	if err != nil {
		panic(err) // only for lengths beyond 8160 bytes
	}
	return out[:sha256.Size], out[sha256.Size:]
}

// encrypt seals a part of a message and takes it into the hash.
func (s *symmetric) encrypt(b []byte) []byte {
	out := s.seal(b, s.hash[:])
	s.mixHash(out)
	return out
}

func (s *symmetric) decrypt(b []byte) ([]byte, error) {
	out, err := s.open(b, s.hash[:])
	if err != nil {
		return nil, err
	}
	s.mixHash(b)
	return out, nil
}

// split gives the ciphers of the two ways: the initiator's first.
func (s *symmetric) split() (initiator, responder *sealer) {
	first, second := s.derive(nil)
	a, b := newSealer(first), newSealer(second)
	return &a, &b
}

// sealer seals or opens one message after another: AES-256-GCM with a counter as the nonce (12.3).
type sealer struct {
	aead  cipher.AEAD
	count uint64
}

func newSealer(key []byte) sealer {
	block, err := aes.NewCipher(key)
	if err == nil {
		var aead cipher.AEAD
		if aead, err = cipher.NewGCM(block); err == nil {
			return sealer{aead: aead}
		}
	}
	panic(err) // only for keys of another length
}

func (s *sealer) nonce() []byte {
	n := binary.BigEndian.AppendUint64(make([]byte, 4, 12), s.count)
	s.count++
	return n
}

func (s *sealer) seal(b, associated []byte) []byte { return s.aead.Seal(nil, s.nonce(), b, associated) }

func (s *sealer) open(b, associated []byte) ([]byte, error) {
	return s.aead.Open(nil, s.nonce(), b, associated)
}

func newKey() (*ecdh.PrivateKey, error) { return ecdh.X25519().GenerateKey(rand.Reader) }
