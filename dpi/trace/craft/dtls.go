package craft

import (
	"encoding/binary"
	"math/rand/v2"
)

// DTLSHello is a ClientHello of DTLS to be built (RFC 6347, RFC 9147). The zero value is a small one without a name.
type DTLSHello struct {
	Name        string // "" leaves server_name out
	Fingerprint string // pion (3.1.5, its default settings), browser (DTLS 1.3, as WebRTC's), random, or "" for a small one
	DTLS13      bool
	GroupsAt    int // place in the datagram of the list 00 1d 00 17 00 18; 0: where it comes
}

const groupsList = "\x00\x1d\x00\x17\x00\x18"

var groupsExtension = Extension{extGroups, []byte("\x00\x06" + groupsList)}

// The places in a datagram at which things begin, without session id and cookie.
const (
	dtlsBody   = 13 + 12
	dtlsSuites = dtlsBody + 2 + 32 + 1 + 1
)

// Datagram gives the payload. ok is false where the groups cannot come at their place.
func (h DTLSHello) Datagram(r *rand.Rand) (b []byte, ok bool) {
	suites := []uint16{0xc02b, 0xc02f, 0xc00a, 0xc014}
	sigs := signatures(0x0403, 0x0503, 0x0603, 0x0807, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601)
	extensions := []Extension{sigs, renegotate, groupsExtension, points, master}
	switch h.Fingerprint {
	case "pion":
		suites = []uint16{0xc02b, 0xc02f, 0xcca9, 0xcca8, 0xc00a, 0xc014, 0xc02c, 0xc030}
	case "browser":
		h.DTLS13 = true
		suites = []uint16{0x1301, 0x1303, 0x1302, 0xc02b, 0xc02f, 0xcca9, 0xcca8, 0xc00a, 0xc009, 0xc013, 0xc014}
		extensions = []Extension{master, renegotate, {extGroups, list16([]uint16{groupX25519, groupP256, 0x18, 0x19})}, points,
			{0x0e, []byte{0, 6, 0, 7, 0, 8, 0, 1, 0}}, sigs}
	case "random":
		r.Shuffle(len(suites), func(i, j int) { suites[i], suites[j] = suites[j], suites[i] })
		suites = append(suites, 0xcca9, 0xcca8)[r.IntN(3):]
		extensions = append(extensions, Extension{uint16(0x2000 + r.IntN(0x1000)), Random(r, 3+r.IntN(12))}, ticket)
		extensions[2].Content = list16([]uint16{0x18, groupP256, groupX25519})
		r.Shuffle(len(extensions), func(i, j int) { extensions[i], extensions[j] = extensions[j], extensions[i] })
	}
	if h.DTLS13 {
		extensions = append(extensions, Extension{extVersions, []byte{4, 0xfe, 0xfc, 0xfe, 0xfd}},
			Extension{extShares, append([]byte{0, 36, 0, groupX25519, 0, lengthX25519}, Random(r, lengthX25519)...)})
	}
	if h.Name != "" {
		extensions = append(extensions, Extension{extSNI, Hello{Name: h.Name}.serverName()})
	}
	if h.GroupsAt > 0 {
		if extensions, ok = groupsFirst(extensions, h.GroupsAt, dtlsSuites+2+2*len(suites)+2+2); !ok {
			return nil, false
		}
	}
	body := []byte{0xfe, 0xfd}
	body = append(append(body, Random(r, 32)...), 0, 0)
	body = append(append(body, list16(suites)...), 1, 0)
	return dtlsHandshake(1, 0, appendExtensions(body, extensions)), true
}

// groupsFirst puts the groups first, behind an extension that fills up what is missing to their place; start is where
// extensions begin.
func groupsFirst(extensions []Extension, at, start int) ([]Extension, bool) {
	all := []Extension{groupsExtension}
	switch missing := at - start - 4 - 2; {
	case missing == 0:
	case missing >= 4:
		all = []Extension{{0x0f00, make([]byte, missing-4)}, groupsExtension}
	default:
		return nil, false
	}
	for _, e := range extensions {
		if e.ID != extGroups {
			all = append(all, e)
		}
	}
	return all, true
}

func appendExtensions(body []byte, extensions []Extension) []byte {
	var block []byte
	for _, e := range extensions {
		block = binary.BigEndian.AppendUint16(block, e.ID)
		block = binary.BigEndian.AppendUint16(block, uint16(len(e.Content)))
		block = append(block, e.Content...)
	}
	return append(binary.BigEndian.AppendUint16(body, uint16(len(block))), block...)
}

// DTLSServerHello has 1d 00 17 00 18, a list of groups, at this place of the datagram; 0: no supported_groups. nil where it cannot come there.
func DTLSServerHello(r *rand.Rand, at int) []byte {
	body := append([]byte{0xfe, 0xfd}, Random(r, 32)...)
	body = append(body, 0, 0xc0, 0x2b, 0)
	extensions := []Extension{renegotate, points, master}
	if at > 0 {
		var ok bool
		// The list begins one byte before what stands at at.
		if extensions, ok = groupsFirst(extensions, at-1, dtlsBody+len(body)+2); !ok {
			return nil
		}
	}
	return dtlsHandshake(2, 1, appendExtensions(body, extensions))
}

// DTLSVerify is a HelloVerifyRequest with a cookie of 20 bytes.
func DTLSVerify(r *rand.Rand) []byte {
	return dtlsHandshake(3, 0, append([]byte{0xfe, 0xfd, 20}, Random(r, 20)...))
}

// DTLSApplication is a record with n bytes of application data, of epoch 1.
func DTLSApplication(r *rand.Rand, n int) []byte {
	b := []byte{23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, byte(r.Uint32()), byte(r.Uint32())}
	b = binary.BigEndian.AppendUint16(b, uint16(n))
	return append(b, Random(r, n)...)
}

// dtlsHandshake is a record with one unfragmented handshake message.
func dtlsHandshake(kind, number byte, body []byte) []byte {
	n := []byte{byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}
	message := append([]byte{kind}, n...)
	message = append(append(message, 0, number, 0, 0, 0), n...)
	message = append(message, body...)
	b := []byte{22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, number}
	return append(binary.BigEndian.AppendUint16(b, uint16(len(message))), message...)
}
