package craft

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
)

// The versions of QUIC that Initials can be protected for.
const (
	QUICv1      = 1          // RFC 9000
	QUICv2      = 0x6b3343cf // RFC 9369
	QUICDraft29 = 0xff00001d
)

// version is what Initials of a version differ in.
type version struct {
	salt, prefix string
	kind         byte // the type bits of an Initial
}

// RFC 9001, section 5.2; RFC 9369, section 3.3; draft-ietf-quic-tls-29, section 5.2.
var versions = map[uint32]version{
	QUICv1:      {"\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a", "quic ", 0},
	QUICv2:      {"\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9", "quicv2 ", 1},
	QUICDraft29: {"\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99", "quic ", 0},
}

// Initial is a client's first flight of QUIC. The zero value is none: Version is required.
type Initial struct {
	Hello     Hello
	Version   uint32
	Size      int // bytes of each datagram; 0: 1200
	Datagrams int // that the hello is spread over; 0: as many as it needs
	Frames    int // CRYPTO frames in each datagram; 0: one
	Shuffled  bool
	Flipped   bool // one byte of the cipher text
	Outside   int  // zero bytes behind the QUIC packet, outside of the encryption; part of Size
}

// Payloads gives the datagrams; none when the size is too small for the headers.
func (q Initial) Payloads(r *rand.Rand) [][]byte {
	q.Hello.QUIC = true
	m, ok := q.Hello.Message(r)
	if !ok {
		return nil
	}
	if q.Size == 0 {
		q.Size = 1200
	}
	dcid, scid := Random(r, 8), Random(r, 5)
	const headers = 1 + 4 + 1 + 8 + 1 + 5 + 1 + 2 + 2
	room := q.Size - q.Outside - headers - 16
	frames := max(q.Frames, 1)
	perFrame := 8 // the header of a CRYPTO frame, and a PING behind it
	if room < frames*(perFrame+1) || q.Size > 1<<14 {
		return nil
	}
	n := (len(m.Bytes) + room - frames*perFrame - 1) / (room - frames*perFrame)
	n = max(n, q.Datagrams)
	var out [][]byte
	for i := range n {
		from, to := len(m.Bytes)*i/n, len(m.Bytes)*(i+1)/n
		plain := q.frames(r, m.Bytes, from, to, frames)
		plain = append(plain, make([]byte, max(room-len(plain), 0))...)
		out = append(out, append(q.seal(r, dcid, scid, uint16(i), plain), make([]byte, q.Outside)...))
	}
	return out
}

// frames puts a stretch of the hello into CRYPTO frames.
func (q Initial) frames(r *rand.Rand, message []byte, from, to, n int) []byte {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	if q.Shuffled {
		r.Shuffle(n, func(i, j int) { order[i], order[j] = order[j], order[i] })
		if n > 1 && order[0] == 0 {
			order[0], order[n-1] = order[n-1], order[0]
		}
	}
	var b []byte
	for _, i := range order {
		a, z := from+(to-from)*i/n, from+(to-from)*(i+1)/n
		b = append(b, 6, 0x40|byte(a>>8), byte(a), 0x40|byte((z-a)>>8), byte(z-a))
		b = append(b, message[a:z]...)
		if q.Shuffled {
			b = append(b, 1, 0) // PING, PADDING
		}
	}
	return b
}

// seal protects an Initial with a packet number of two bytes (RFC 9001, section 5).
func (q Initial) seal(r *rand.Rand, dcid, scid []byte, number uint16, plain []byte) []byte {
	v, known := versions[q.Version]
	first := 0xc0 | v.kind<<4 | 1
	header := append([]byte{first}, binary.BigEndian.AppendUint32(nil, q.Version)...)
	header = append(append(header, byte(len(dcid))), dcid...)
	header = append(append(header, byte(len(scid))), scid...)
	header = append(header, 0) // no token
	length := 2 + len(plain) + 16
	header = append(header, 0x40|byte(length>>8), byte(length))
	pn := len(header)
	header = binary.BigEndian.AppendUint16(header, number)
	if !known {
		return append(header, Random(r, len(plain)+16)...)
	}
	initial, _ := hkdf.Extract(sha256.New, dcid, []byte(v.salt))
	secret := expandLabel(initial, "client in", 32)
	block, _ := aes.NewCipher(expandLabel(secret, v.prefix+"key", 16))
	aead, _ := cipher.NewGCM(block)
	nonce := expandLabel(secret, v.prefix+"iv", 12)
	nonce[10] ^= byte(number >> 8)
	nonce[11] ^= byte(number)
	packet := aead.Seal(header, nonce, plain, header)
	hp, _ := aes.NewCipher(expandLabel(secret, v.prefix+"hp", 16))
	mask := make([]byte, 16)
	hp.Encrypt(mask, packet[pn+4:pn+20])
	packet[0] ^= mask[0] & 0x0f
	packet[pn] ^= mask[1]
	packet[pn+1] ^= mask[2]
	if q.Flipped {
		packet[len(packet)-20] ^= 1
	}
	return packet
}

// expandLabel is HKDF-Expand-Label of RFC 8446, section 7.1, without context.
func expandLabel(secret []byte, label string, n int) []byte {
	info := []byte{0, byte(n), byte(len("tls13 ") + len(label))}
	info = append(append(info, "tls13 "+label...), 0)
	out, _ := hkdf.Expand(sha256.New, secret, string(info), n)
	return out
}

// quicParameters are transport parameters (RFC 9000, section 18).
func quicParameters(r *rand.Rand) []byte {
	b := []byte{1, 4, 0x80, 0, 0x75, 0x30, 4, 4, 0x80, 0x10, 0, 0, 8, 2, 0x40, 100, 15, 5}
	return append(b, Random(r, 5)...)
}

// QUICShort looks like a packet with a short header: first byte 0x40.
func QUICShort(r *rand.Rand, n int) []byte {
	b := Random(r, max(n, 1))
	b[0] = 0x40
	return b
}

// QUICServer looks like an Initial of the server.
func QUICServer(r *rand.Rand, version uint32, n int) []byte {
	b := append([]byte{0xc1}, binary.BigEndian.AppendUint32(nil, version)...)
	b = append(append(append(b, 5), Random(r, 5)...), 8)
	b = append(append(b, Random(r, 8)...), 0)
	length := max(n-len(b)-2, 20)
	b = append(b, 0x40|byte(length>>8), byte(length))
	return append(b, Random(r, length)...)
}

// QUICNegotiation is a version negotiation packet (RFC 9000, section 17.2.1) that offers version 1.
func QUICNegotiation(r *rand.Rand) []byte {
	b := append([]byte{0x80 | byte(r.Uint32()), 0, 0, 0, 0, 5}, Random(r, 5)...)
	b = append(append(b, 8), Random(r, 8)...)
	return append(b, 0, 0, 0, 1, 0x6b, 0x33, 0x43, 0xcf)
}
