package dpi

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// initial is a client's Initial packet (RFC 9001, section 5). The zero version is 1, the size at least 1200 bytes.
type initial struct {
	version uint32
	id      byte // of the connection: the same byte eight times
	number  byte
	frames  []byte
}

// quicSalts are of RFC 9001, section 5.2, RFC 9369, section 3.3.1, and draft-ietf-quic-tls-29, section 5.2.
var quicSalts = map[uint32]string{
	1:          "38762cf7f55934b34d179ae6a4c80cadccbb7f0a",
	0x6b3343cf: "0dede3def700a6db819381be6e269dcbf9bd2ed9",
	0xff00001d: "afbfec289993d24c9e9786f19c6111e04390a899",
}

func (i initial) seal() []byte {
	version, kind, label := i.version, byte(0), "quic "
	if version == 0 {
		version = 1
	}
	if version == 0x6b3343cf {
		kind, label = 1, "quicv2 "
	}
	salt := must(hex.DecodeString(quicSalts[version]))
	id := [8]byte{}
	for n := range id {
		id[n] = i.id
	}
	expand := func(secret []byte, label string, n int) []byte {
		info := append([]byte{0, byte(n), byte(6 + len(label))}, "tls13 "+label+"\x00"...)
		return must(hkdf.Expand(sha256.New, secret, string(info), n))
	}
	client := expand(must(hkdf.Extract(sha256.New, id[:], salt)), "client in", 32)
	plain := append(append([]byte(nil), i.frames...), make([]byte, max(0, 1200-22-16-len(i.frames)))...)

	header := append(binary.BigEndian.AppendUint32([]byte{0xc0 | kind<<4}, version), 8)
	header = append(append(header, id[:]...), 0, 0)
	header = binary.BigEndian.AppendUint16(header, 0x4000|uint16(1+len(plain)+16))
	header = append(header, i.number)
	nonce := expand(client, label+"iv", 12)
	nonce[11] ^= i.number
	aead := must(cipher.NewGCM(must(aes.NewCipher(expand(client, label+"key", 16)))))
	out := aead.Seal(append([]byte(nil), header...), nonce, plain, header)
	at, mask := len(header)-1, [16]byte{}
	must(aes.NewCipher(expand(client, label+"hp", 16))).Encrypt(mask[:], out[at+4:at+20])
	out[0] ^= mask[0] & 0x0f
	out[at] ^= mask[1]
	return out
}

// cryptoFrame is a CRYPTO frame (RFC 9000, section 19.6).
func cryptoFrame(offset int, data []byte) []byte {
	b := binary.BigEndian.AppendUint16([]byte{6}, 0x4000|uint16(offset))
	return append(binary.BigEndian.AppendUint16(b, 0x4000|uint16(len(data))), data...)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprint("in a test: ", err))
	}
	return v
}
