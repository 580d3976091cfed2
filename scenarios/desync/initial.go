package desync

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"fmt"
)

// initialSize is the least that a datagram with an Initial has (RFC 9000, 14.1).
const initialSize = 1200

// initialSalt is that of version 1 (RFC 9001, 5.2).
var initialSalt = []byte{
	0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a,
}

// fakeInitial is a datagram with a QUIC v1 Initial, whose ClientHello of crypto/tls is for a name.
func fakeInitial(name string) ([]byte, error) {
	hello, err := quicHello(name)
	if err != nil {
		return nil, fmt.Errorf("desync: an Initial for %q: %w", name, err)
	}
	id := make([]byte, 8)
	rand.Read(id)
	return sealInitial(id, hello)
}

func quicHello(name string) ([]byte, error) {
	config := fakeConfig(name, "h3")
	config.MinVersion = tls.VersionTLS13
	c := tls.QUICClient(&tls.QUICConfig{TLSConfig: config})
	defer c.Close()
	c.SetTransportParameters([]byte{
		0x01, 0x04, 0x80, 0x00, 0x75, 0x30, // max_idle_timeout: 30 s
		0x0f, 0x00, // initial_source_connection_id: empty
	})
	if err := c.Start(context.Background()); err != nil {
		return nil, err
	}
	for {
		switch e := c.NextEvent(); e.Kind {
		case tls.QUICWriteData:
			return append([]byte(nil), e.Data...), nil
		case tls.QUICNoEvent:
			return nil, fmt.Errorf("crypto/tls wrote no ClientHello")
		}
	}
}

// sealInitial makes the datagram: one CRYPTO frame with all of the hello, and padding behind it (RFC 9001, 5).
func sealInitial(id, hello []byte) ([]byte, error) {
	secret, err := hkdf.Extract(sha256.New, id, initialSalt)
	if err != nil {
		return nil, err
	}
	secret = expand(secret, "client in", sha256.Size)
	block, err := aes.NewCipher(expand(secret, "quic key", 16))
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	protection, err := aes.NewCipher(expand(secret, "quic hp", 16))
	if err != nil {
		return nil, err
	}
	const numberSize = 4
	header := []byte{0xc0 | (numberSize - 1), 0, 0, 0, 1, byte(len(id))}
	header = append(header, id...)
	header = append(header, 0, 0) // no source connection id, no token
	frames := []byte{0x06, 0x00}  // CRYPTO at offset 0
	frames = binary.BigEndian.AppendUint16(frames, 0x4000|uint16(len(hello)))
	frames = append(frames, hello...)
	if pad := initialSize - len(header) - 2 - numberSize - len(frames) - aead.Overhead(); pad > 0 {
		frames = append(frames, make([]byte, pad)...)
	}
	header = binary.BigEndian.AppendUint16(header, 0x4000|uint16(numberSize+len(frames)+aead.Overhead()))
	number := len(header)
	header = append(header, make([]byte, numberSize)...) // packet 0: the nonce is the IV itself
	packet := aead.Seal(header, expand(secret, "quic iv", aead.NonceSize()), frames, header)
	var mask [aes.BlockSize]byte
	protection.Encrypt(mask[:], packet[number+4:number+4+aes.BlockSize])
	packet[0] ^= mask[0] & 0x0f
	for i := range numberSize {
		packet[number+i] ^= mask[1+i]
	}
	return packet, nil
}

// expand is HKDF-Expand-Label of TLS 1.3 without a context (RFC 8446, 7.1).
func expand(secret []byte, label string, size int) []byte {
	label = "tls13 " + label
	info := []byte{0, byte(size), byte(len(label))}
	info = append(append(info, label...), 0)
	b, err := hkdf.Expand(sha256.New, secret, string(info), size)
	if err != nil {
		panic("desync: " + err.Error()) // only for lengths that no caller asks for
	}
	return b
}
