package inspect

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	require.NoError(t, err)
	return b
}

func TestKeysOfRFC9001(t *testing.T) {
	// RFC 9001, appendix A.1.
	dcid := unhex(t, "8394c8f03e515708")
	initial := hmacSHA256([]byte(quicVersions[0].salt), dcid)
	require.Equal(t, "7db5df06e7a69e432496adedb00851923595221596ae2ae9fb8115c1e9ed0a44", hex.EncodeToString(initial[:]))
	client := expandLabel(initial, "client in", 32)
	require.Equal(t, "c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea", hex.EncodeToString(client[:]))
	key, iv, hp := expandLabel(client, "quic key", 16), expandLabel(client, "quic iv", 12), expandLabel(client, "quic hp", 16)
	require.Equal(t, "1f369613dd76d5467730efcbe3b1a22d", hex.EncodeToString(key[:16]))
	require.Equal(t, "fa044b2f42a3fd3b46fb255c", hex.EncodeToString(iv[:12]))
	require.Equal(t, "9f50449e04a0e810283a1e9933adedd2", hex.EncodeToString(hp[:16]))
}

func TestKeysAgreeWithTheStandardLibrary(t *testing.T) {
	for n := range maxConnectionID + 1 {
		dcid := bytes.Repeat([]byte{byte(n + 1)}, n)
		want, err := hkdf.Extract(sha256.New, dcid, []byte(quicVersions[0].salt))
		require.NoError(t, err)
		got := hmacSHA256([]byte(quicVersions[0].salt), dcid)
		require.Equal(t, want, got[:])
		expanded, err := hkdf.Expand(sha256.New, want, "\x00\x0c\x0dtls13 quic iv\x00", 12)
		require.NoError(t, err)
		iv := expandLabel(got, "quic iv", 12)
		require.Equal(t, expanded, iv[:12])
	}
}

// rfcHello is the CRYPTO frame of RFC 9001, appendix A.2.
const rfcHello = `060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e868
04fe3a47f06a2b69484c00000413011302010000c000000010000e00000b6578
616d706c652e636f6dff01000100000a00080006001d00170018001000070005
04616c706e000500050100000000003300260024001d00209370b2c9caa47fba
baf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b000302030400
0d0010000e0403050306030203080408050806002d00020101001c0002400100
3900320408ffffffffffffffff05048000ffff07048000ffff08011001048000
75300901100f088394c8f03e51570806048000ffff`

func TestInitialOfRFC9001(t *testing.T) {
	// Appendix A.2: the frame, PADDING to 1162 bytes, packet number 2 in four bytes.
	dcid := unhex(t, "8394c8f03e515708")
	plain := append(unhex(t, rfcHello), make([]byte, 1162-245)...)
	datagram := sealInitial(initialSpec{dcid: dcid, number: 2, numberLen: 4, plain: plain})
	require.Len(t, datagram, 1200)
	require.Equal(t, "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11", hex.EncodeToString(datagram[:32]), "as in the RFC")
	require.Equal(t, "e221af44860018ab0856972e194cd934", hex.EncodeToString(datagram[1184:]))

	var q QUIC
	require.Equal(t, Yes, q.Datagram(datagram))
	require.Equal(t, "example.com", string(q.Hello.SNI))
	require.Equal(t, 241, q.Hello.Length)
}

// initialSpec says what a client Initial looks like; sealInitial is the other way of open, for tests only.
type initialSpec struct {
	dcid, keyID, scid, token []byte // keyID: what the keys are derived from; nil for dcid
	number                   uint32
	numberLen                int
	plain                    []byte
	version                  *quicVersion // nil for version 1
}

func sealInitial(s initialSpec) []byte {
	if s.keyID == nil {
		s.keyID = s.dcid
	}
	if s.version == nil {
		s.version = &quicVersions[0]
	}
	key, hp, nonce := s.version.secrets(s.keyID)
	var keys slowKeys
	keys.set(key[:16], hp[:16])
	header := binary.BigEndian.AppendUint32([]byte{0xc0 | byte(s.version.initial<<4|s.numberLen-1)}, s.version.number)
	header = append(header, byte(len(s.dcid)))
	header = append(header, s.dcid...)
	header = append(header, byte(len(s.scid)))
	header = append(header, s.scid...)
	header = append(appendVarint(header, len(s.token)), s.token...)
	header = appendVarint(header, s.numberLen+len(s.plain)+gcmTag)
	pn := len(header)
	var number [4]byte
	binary.BigEndian.PutUint32(number[:], s.number)
	header = append(header, number[4-s.numberLen:]...)
	for i := range 4 {
		nonce[8+i] ^= number[i]
	}
	out := keys.body.Seal(append([]byte(nil), header...), nonce[:12], s.plain, header)
	var mask [16]byte
	keys.hp.Encrypt(mask[:], out[pn+4:pn+20])
	out[0] ^= mask[0] & 0x0f
	for i := range s.numberLen {
		out[pn+i] ^= mask[1+i]
	}
	return out
}

func appendVarint(b []byte, n int) []byte {
	if n < 64 {
		return append(b, byte(n))
	}
	return append(b, 0x40|byte(n>>8), byte(n)) // to 16383
}

func cryptoFrame(offset int, data []byte) []byte {
	return append(appendVarint(appendVarint([]byte{frameCrypto}, offset), len(data)), data...)
}

func TestInitialShapes(t *testing.T) {
	hello := goHello(t, "blocked.example")[recordHeader:]
	for idLen := range maxConnectionID + 1 {
		for numberLen := 1; numberLen <= 4; numberLen++ {
			datagram := sealInitial(initialSpec{
				dcid: bytes.Repeat([]byte{7}, idLen), scid: make([]byte, 20-idLen), token: make([]byte, idLen*5),
				number: 0xfe, numberLen: numberLen, plain: cryptoFrame(0, hello),
			})
			var q QUIC
			require.Equal(t, Yes, q.Datagram(datagram), "id %d, number %d", idLen, numberLen)
			require.Equal(t, "blocked.example", string(q.Hello.SNI))
		}
	}
}

func TestCryptoInAnyOrder(t *testing.T) {
	hello := goHello(t, "blocked.example")[recordHeader:]
	dcid := []byte("12345678")
	piece := func(number, from, to int, before ...byte) []byte {
		plain := append(before, cryptoFrame(from, hello[from:to])...)
		return sealInitial(initialSpec{dcid: dcid, number: uint32(number), numberLen: 1, plain: append(plain, make([]byte, 20)...)})
	}
	n := len(hello)
	last := piece(1, 100, n, framePing, frameAck, 0, 0, 1, 0, 0, 0) // one more range
	middle := piece(2, 40, 120, frameAckECN, 0, 0, 0, 0, 1, 2, 3)
	first := piece(3, 0, 50)
	var q QUIC
	for _, step := range []struct {
		datagram []byte
		want     Result
	}{{last, More}, {middle, More}, {middle, More}, {first, Yes}, {last, Yes}} {
		require.Equal(t, step.want, q.Datagram(step.datagram))
	}
	require.Equal(t, "blocked.example", string(q.Hello.SNI))

	// The same three in one datagram, behind a 0-RTT packet, with junk at the end.
	zeroRTT := []byte{0xd0, 0, 0, 0, 1, 0, 0, 3, 1, 2, 3}
	all := bytes.Join([][]byte{zeroRTT, last, middle, first, {0, 0, 0}}, nil)
	q.Reset()
	require.Equal(t, Yes, q.Datagram(all))
	require.Equal(t, "blocked.example", string(q.Hello.SNI))
}

func TestFlippedByteIsNo(t *testing.T) {
	// Spec B11 (NTC1823/38, C): the AEAD tag is checked. Whatever bit of the Initial flips, it is none.
	datagram := append([]byte(nil), captured(t, "chromium_quic", false).parts[0]...)
	before := append([]byte(nil), datagram...)
	packet, ok := parseLong(datagram, 0)
	require.True(t, ok)
	for i := range packet.bytes {
		datagram[i] ^= 0x10
		var q QUIC
		require.Equal(t, No, q.Datagram(datagram), "byte %d", i)
		datagram[i] ^= 0x10
	}
	var q QUIC
	require.NotEqual(t, No, q.Datagram(datagram))
	require.Equal(t, before, datagram, "the input is only read")
}

func TestKeysFollowARetryButNotAServersID(t *testing.T) {
	hello := goHello(t, "blocked.example")[recordHeader:]
	first, other := []byte("first-id"), []byte("other-id")
	half := sealInitial(initialSpec{dcid: first, number: 0, numberLen: 1, plain: append(cryptoFrame(0, hello[:50]), make([]byte, 20)...)})

	// The server answered with a connection id of its own: the keys stay (RFC 9001, section 5.2).
	var q QUIC
	require.Equal(t, More, q.Datagram(half))
	require.Equal(t, Yes, q.Datagram(sealInitial(initialSpec{dcid: other, keyID: first, number: 1, numberLen: 1, plain: cryptoFrame(50, hello[50:])})))

	// It answered with a Retry: new keys, and the stream begins anew.
	q.Reset()
	require.Equal(t, More, q.Datagram(half))
	retried := initialSpec{dcid: other, token: []byte("token"), number: 1, numberLen: 1, plain: cryptoFrame(50, hello[50:])}
	require.Equal(t, More, q.Datagram(sealInitial(retried)))
	retried.plain = append(cryptoFrame(0, hello[:50]), make([]byte, 20)...)
	require.Equal(t, Yes, q.Datagram(sealInitial(retried)))

	// An Initial that nobody can read does not disturb what was there.
	require.Equal(t, No, q.Datagram(sealInitial(initialSpec{dcid: first, keyID: []byte("nobody's"), numberLen: 1, plain: make([]byte, 40)})))
	require.Equal(t, Yes, q.Datagram(sealInitial(retried)))
}

func TestNoInitial(t *testing.T) {
	hello := goHello(t, "blocked.example")[recordHeader:]
	good := sealInitial(initialSpec{dcid: []byte("12345678"), numberLen: 1, plain: cryptoFrame(0, hello)})
	change := func(at int, value byte) []byte {
		b := append([]byte(nil), good...)
		b[at] = value
		return b
	}
	server := sealInitial(initialSpec{dcid: []byte("12345678"), numberLen: 1, plain: append([]byte{0x1e}, make([]byte, 40)...)})
	notHello := sealInitial(initialSpec{dcid: []byte("12345678"), numberLen: 1, plain: cryptoFrame(0, append([]byte{2}, hello[1:]...))})
	cut := sealInitial(initialSpec{dcid: []byte("12345678"), numberLen: 1, plain: append(make([]byte, 40), frameCrypto, 0, 9)})
	for name, datagram := range map[string][]byte{
		"empty": nil, "one byte": {0xc0}, "short header": change(0, 0x40), "no fixed bit": change(0, good[0]&^0x40),
		"version 2": change(4, 2), "draft-29": change(1, 0xff), "connection id of 21": change(5, 21), "cut": good[:len(good)-1],
		"HANDSHAKE_DONE in an Initial": server, "ServerHello": notHello, "frame cut off": cut,
		"retry": change(0, 0xf0), "handshake": change(0, 0xe0),
	} {
		var q QUIC
		require.Equal(t, No, q.Datagram(datagram), name)
	}
}

func TestCryptoIsBounded(t *testing.T) {
	hello := goHello(t, "blocked.example")[recordHeader:]
	long := append([]byte(nil), hello...)
	long[1], long[2], long[3] = 0, 0x20, 0 // a hello of 8 KiB
	var q QUIC
	for i := 0; i < 16*1024; i += 1024 {
		plain := cryptoFrame(i, make([]byte, 1024))
		if i == 0 {
			plain = cryptoFrame(0, long[:min(len(long), 1024)])
		}
		require.NotEqual(t, Yes, q.Datagram(sealInitial(initialSpec{dcid: []byte("12345678"), number: uint32(i), numberLen: 4, plain: plain})))
	}
	require.LessOrEqual(t, q.length, maxCrypto)
}

func TestKeepAgreesWithBytes(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		var q QUIC
		var want [maxCrypto]byte
		var have [maxCrypto]bool
		for range 12 {
			offset, piece := random.IntN(300), make([]byte, random.IntN(200))
			if random.IntN(4) == 0 {
				offset += maxCrypto - 250 // over the end
			}
			for i := range piece {
				piece[i] = byte(random.Uint32())
				if at := offset + i; at < maxCrypto && !have[at] {
					want[at], have[at] = piece[i], true
				}
			}
			q.keep(offset, piece)
		}
		require.Equal(t, want, q.crypto)
		for at := range have {
			if have[at] != (q.have[at/64]>>(at%64)&1 == 1) {
				require.FailNow(t, "bit", at)
			}
		}
	}
}

func TestQUICVersion(t *testing.T) {
	for _, c := range []struct {
		payload []byte
		version uint32
		ok      bool
	}{
		{[]byte{0xc0, 0, 0, 0, 1}, QUICv1, true},
		{[]byte{0xc0, 0xff, 0, 0, 29}, 0xff00001d, true},
		{[]byte{0x80, 0x6b, 0x33, 0x43, 0xcf, 1}, 0x6b3343cf, true}, // version 2, the fixed bit is not its matter
		{[]byte{0x40, 0, 0, 0, 1}, 0, false},
		{[]byte{0xc0, 0, 0, 0}, 0, false},
	} {
		version, ok := QUICVersion(c.payload)
		require.Equal(t, c.ok, ok)
		require.Equal(t, c.version, version)
	}
}

func TestQUICAllocations(t *testing.T) {
	parts := captured(t, "h3_quicgo", false).parts[:2]
	q := new(QUIC)
	read := func() {
		for _, datagram := range parts {
			_ = q.Datagram(datagram)
		}
	}
	read()
	require.Equal(t, Yes, q.Datagram(parts[1]))
	require.Zero(t, testing.AllocsPerRun(100, read), "the keys are there")
	most := 0.0
	if !fastAES {
		most = 3 // the ciphers of crypto/aes
	}
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() { q.Reset(); read() }), most)
}
