package craft

import (
	"encoding/binary"
	"math/rand/v2"
)

// Fingerprint is how a client writes its ClientHello. The zero value is a small one of no client in particular.
type Fingerprint string

// The fingerprints that are known; the lists are those of captured hellos.
const (
	Plain   Fingerprint = ""
	Chrome  Fingerprint = "chrome"  // JA4 t13d1516h2_8daaf6152771_d8a2da3f94cd (TD#30733)
	Firefox Fingerprint = "firefox" // JA4 t13d1715h2_5b57614c22b0_5c2c66f702b0
	Safari  Fingerprint = "safari"  // JA4 t13d2014h2_a09f3c656075_14788d8d241b
	Go      Fingerprint = "go"      // JA4 t13d1312h2_f57a46bbacb6_ab7e3b40a677
)

// shape is suites and extensions in order. An extension with nil content is filled in.
type shape struct {
	grease     bool
	suites     []uint16
	extensions []Extension
}

// Extension is one extension of a hello.
type Extension struct {
	ID      uint16
	Content []byte
}

const (
	extSNI        = 0x0000
	extGroups     = 0x000a
	extALPN       = 0x0010
	extPadding    = 0x0015
	extVersions   = 0x002b
	extShares     = 0x0033
	extECH        = 0xfe0d
	extGREASE     = 0xffff // in a shape: a reserved value is drawn
	groupX25519   = 0x001d
	groupMLKEM    = 0x11ec
	groupP256     = 0x0017
	lengthX25519  = 32
	lengthMLKEM   = 1184 + 32
	lengthP256    = 65
	lengthECH     = 186
	versionTLS12  = 0x0303
	versionTLS13  = 0x0304
	versionDTLS12 = 0xfefd
)

var (
	empty      = []byte{}
	status     = Extension{5, []byte{1, 0, 0, 0, 0}}
	master     = Extension{0x17, empty}
	points     = Extension{0x0b, []byte{1, 0}}
	renegotate = Extension{0xff01, []byte{0}}
	ticket     = Extension{0x23, empty}
	sct        = Extension{0x12, empty}
	psk        = Extension{0x2d, []byte{1, 1}}
	h2         = Extension{extALPN, []byte("\x00\x0c\x02h2\x08http/1.1")}
	fill       = func(id uint16) Extension { return Extension{ID: id} }
	signatures = func(list ...uint16) Extension { return Extension{0x0d, list16(list)} }
)

var shapes = map[Fingerprint]shape{
	Plain: {
		suites: []uint16{0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f},
		extensions: []Extension{
			fill(extSNI), {extGroups, list16([]uint16{groupX25519, groupP256})}, signatures(0x0403, 0x0804, 0x0401),
			fill(extVersions), psk, fill(extShares), {extALPN, []byte("\x00\x09\x08http/1.1")},
		},
	},
	Chrome: {
		grease: true,
		suites: []uint16{0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x9c, 0x9d, 0x2f, 0x35},
		extensions: []Extension{
			fill(extSNI), {extGroups, list16([]uint16{groupMLKEM, groupX25519, groupP256, 0x18})}, h2, status, psk, sct, renegotate,
			{0x44cd, []byte("\x00\x03\x02h2")}, master, fill(extVersions), points, ticket, fill(extECH), fill(extShares),
			signatures(0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601), {0x1b, []byte{2, 0, 2}},
		},
	},
	Firefox: {
		suites: []uint16{0x1301, 0x1303, 0x1302, 0xc02b, 0xc02f, 0xcca9, 0xcca8, 0xc02c, 0xc030, 0xc00a, 0xc009, 0xc013, 0xc014, 0x9c, 0x9d, 0x2f, 0x35},
		extensions: []Extension{
			fill(extSNI), master, renegotate, {extGroups, list16([]uint16{groupX25519, groupP256, 0x18, 0x19, 0x100, 0x101})}, points, ticket, h2,
			status, {0x22, list16([]uint16{0x0403, 0x0503, 0x0603, 0x0203})}, fill(extShares), fill(extVersions),
			signatures(0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201), psk,
			{0x1c, []byte{0x40, 1}}, fill(extECH),
		},
	},
	Safari: {
		grease: true,
		suites: []uint16{0x1301, 0x1302, 0x1303, 0xc02c, 0xc02b, 0xcca9, 0xc030, 0xc02f, 0xcca8, 0xc00a, 0xc009, 0xc014, 0xc013, 0x9d, 0x9c, 0x35, 0x2f, 0xc008, 0xc012, 0x0a},
		extensions: []Extension{
			fill(extSNI), master, renegotate, {extGroups, list16([]uint16{groupX25519, groupP256, 0x18, 0x19})}, points, h2, status,
			signatures(0x0403, 0x0804, 0x0401, 0x0503, 0x0203, 0x0805, 0x0805, 0x0501, 0x0806, 0x0601, 0x0201), sct, fill(extShares), psk,
			{extVersions, []byte{8, 3, 4, 3, 3, 3, 2, 3, 1}}, {0x1b, []byte{2, 0, 1}}, {extPadding, make([]byte, 191)},
		},
	},
	Go: {
		suites: []uint16{0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc009, 0xc013, 0xc00a, 0xc014, 0x1301, 0x1303, 0x1302},
		extensions: []Extension{
			fill(extSNI), points, renegotate, master, sct, status, {extGroups, list16([]uint16{groupMLKEM, 0x11eb, 0x11ed, groupX25519, groupP256, 0x18, 0x19})},
			signatures(0x0804, 0x0403, 0x0807, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0503, 0x0603),
			{0x32, list16([]uint16{0x0804, 0x0403, 0x0807, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0503, 0x0603, 0x0201, 0x0203})},
			h2, fill(extVersions), fill(extShares),
		},
	},
}

// list16 is a list of 16-bit numbers with its length before it.
func list16(numbers []uint16) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(2*len(numbers)))
	for _, n := range numbers {
		b = binary.BigEndian.AppendUint16(b, n)
	}
	return b
}

// Random gives n bytes of the source.
func Random(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// reserved draws one of the values of RFC 8701.
func reserved(r *rand.Rand) uint16 { return uint16(r.IntN(16))*0x1010 + 0x0a0a }
