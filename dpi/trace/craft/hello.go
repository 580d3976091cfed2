package craft

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
)

// Hello is a ClientHello to be built. The zero value has an empty server name, which NoSNI leaves out.
type Hello struct {
	Name        string
	NoSNI       bool // no server_name extension
	Size        int  // bytes of the message, reached with a padding extension; 0: as it comes
	TLS12       bool // offers TLS 1.2 only
	ECH         int  // bytes of an encrypted_client_hello extension; 0: none but the fingerprint's
	GREASE      bool
	Extensions  []Extension // further ones
	Fingerprint Fingerprint
	Garbled     Garbled
	QUIC        bool // with transport parameters, and h3
}

// Garbled is the field of a hello that is broken.
type Garbled string

// The fields. Random and CipherValues break no parser.
const (
	GarbledNothing      Garbled = ""
	GarbledType         Garbled = "type" // the record's, see Records
	GarbledVersion      Garbled = "version"
	GarbledRecordLength Garbled = "record-length"
	GarbledHandshake    Garbled = "handshake"
	GarbledLength       Garbled = "length"
	GarbledSession      Garbled = "session"
	GarbledCiphers      Garbled = "ciphers"
	GarbledExtensions   Garbled = "extensions"
	GarbledSNIType      Garbled = "sni-type"
	GarbledNameType     Garbled = "name-type"
	GarbledNameLength   Garbled = "name-length"
	GarbledRandom       Garbled = "random"
	GarbledCipherValues Garbled = "cipher-values"
)

// AllGarbled is every field that can be broken.
var AllGarbled = []Garbled{
	GarbledType, GarbledVersion, GarbledRecordLength, GarbledHandshake, GarbledLength, GarbledSession, GarbledCiphers,
	GarbledExtensions, GarbledSNIType, GarbledNameType, GarbledNameLength, GarbledRandom, GarbledCipherValues,
}

// Message is a built handshake message.
type Message struct {
	Bytes []byte
	Name  int // where the server name begins; 0 without one
}

// Message builds the handshake message. Where its fingerprint alone is longer than Size, it is that long. ok is false when Size is out of
// reach: between the natural length and 4 more, or more than 65,535.
func (h Hello) Message(r *rand.Rand) (m Message, ok bool) {
	m = h.build(r, 0, false)
	if h.Size == 0 || h.Size == len(m.Bytes) {
		return m, true
	}
	// The source has moved on: that the longer hello has other random bytes does no harm.
	padding := h.Size - len(m.Bytes) - 4
	if padding < 0 || h.Size > 0xffff {
		return m, false
	}
	return h.build(r, padding, true), true
}

func (h Hello) build(r *rand.Rand, padding int, padded bool) Message {
	s := shapes[h.Fingerprint]
	grease := h.GREASE || s.grease
	body := binary.BigEndian.AppendUint16(nil, versionTLS12)
	random := Random(r, 32)
	if h.Garbled == GarbledRandom {
		random = make([]byte, 32)
	}
	body = append(body, random...)
	body = append(body, 32)
	body = append(body, Random(r, 32)...)
	session := 4 + 34
	suites := slices.Clone(s.suites)
	if h.TLS12 {
		suites = slices.DeleteFunc(suites, func(x uint16) bool { return x>>8 == 0x13 })
	}
	if grease {
		suites = append([]uint16{reserved(r)}, suites...)
	}
	if h.Garbled == GarbledCipherValues {
		for i := range suites {
			suites[i] = uint16(r.Uint32())
		}
	}
	ciphers := 4 + len(body)
	body = append(body, list16(suites)...)
	body = append(body, 1, 0)
	extensions := 4 + len(body)
	body = append(body, 0, 0)
	name, sni := 0, 0
	for _, e := range h.extensionsOf(r, s, grease, padding, padded) {
		if e.ID == extSNI && len(e.Content) >= 5 {
			name, sni = 4+len(body)+4+5, 4+len(body)
		}
		body = binary.BigEndian.AppendUint16(body, e.ID)
		body = binary.BigEndian.AppendUint16(body, uint16(len(e.Content)))
		body = append(body, e.Content...)
	}
	binary.BigEndian.PutUint16(body[extensions-4:], uint16(len(body)-extensions+4-2))
	b := append([]byte{1, 0, byte(len(body) >> 8), byte(len(body))}, body...)
	h.garble(b, session, ciphers, extensions, sni)
	return Message{b, name}
}

// garble breaks one field of the message; places are those of the fields.
func (h Hello) garble(b []byte, session, ciphers, extensions, sni int) {
	at := map[Garbled]int{
		GarbledHandshake: 0, GarbledLength: 3, GarbledSession: session, GarbledCiphers: ciphers + 1, GarbledExtensions: extensions + 1,
		GarbledSNIType: sni, GarbledNameType: sni + 6, GarbledNameLength: sni + 8,
	}
	if i, ok := at[h.Garbled]; ok && (sni > 0 || i < extensions+2) {
		b[i] ^= 0x55
	}
}

func (h Hello) extensionsOf(r *rand.Rand, s shape, grease bool, padding int, padded bool) []Extension {
	var all []Extension
	if grease {
		all = append(all, Extension{reserved(r), empty})
	}
	for _, e := range s.extensions {
		if e.Content == nil || h.QUIC && e.ID == extALPN {
			e.Content = h.content(r, e.ID, s, grease)
		}
		if h.TLS12 && (e.ID == extVersions || e.ID == extShares || e.ID == 0x2d) || e.Content == nil || padded && e.ID == extPadding {
			continue
		}
		all = append(all, e)
	}
	if h.ECH > 0 && !slices.ContainsFunc(all, func(e Extension) bool { return e.ID == extECH }) {
		all = append(all, Extension{extECH, h.content(r, extECH, s, grease)})
	}
	if h.QUIC {
		all = append(all, Extension{0x39, quicParameters(r)})
	}
	all = append(all, h.Extensions...)
	if grease {
		last := reserved(r)
		if len(all) > 0 && last == all[0].ID {
			last ^= 0x1010
		}
		all = append(all, Extension{last, []byte{0}})
	}
	if padded {
		all = append(all, Extension{extPadding, make([]byte, padding)})
	}
	return all
}

// content fills in an extension; nil leaves it out.
func (h Hello) content(r *rand.Rand, id uint16, s shape, grease bool) []byte {
	switch id {
	case extSNI:
		return h.serverName()
	case extVersions:
		versions := []uint16{versionTLS13, versionTLS12}
		if grease {
			versions = append([]uint16{reserved(r)}, versions...)
		}
		return list16(versions)[1:]
	case extALPN:
		return []byte("\x00\x03\x02h3")
	case extShares:
		return shares(r, s, grease)
	case extECH:
		n := h.ECH
		if n == 0 {
			n = lengthECH
		}
		content := append([]byte{0, 0, 1, 0, 1, byte(r.Uint32()), 0, 32}, Random(r, max(n-8, 34))...)
		binary.BigEndian.PutUint16(content[40:], uint16(len(content)-42))
		return content
	}
	return empty
}

func (h Hello) serverName() []byte {
	if h.NoSNI {
		return nil
	}
	n := len(h.Name)
	b := binary.BigEndian.AppendUint16(nil, uint16(n+3))
	b = binary.BigEndian.AppendUint16(append(b, 0), uint16(n))
	return append(b, h.Name...)
}

// shares offers a key for the first of the shape's groups, and for the one behind it where the first is a hybrid.
func shares(r *rand.Rand, s shape, grease bool) []byte {
	var b []byte
	add := func(group uint16, n int) {
		b = binary.BigEndian.AppendUint16(b, group)
		b = binary.BigEndian.AppendUint16(b, uint16(n))
		b = append(b, Random(r, n)...)
	}
	if grease {
		add(reserved(r), 1)
	}
	for _, e := range s.extensions {
		if e.ID == extGroups && binary.BigEndian.Uint16(e.Content[2:]) == groupMLKEM {
			add(groupMLKEM, lengthMLKEM)
		}
	}
	add(groupX25519, lengthX25519)
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
}
