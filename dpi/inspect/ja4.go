package inspect

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
)

const hexDigits = "0123456789abcdef"

// JA4 appends the 36 characters of the hello's JA4 fingerprint, as in t13d1516h2_8daaf6152771_d8a2da3f94cd, in the format
// that FoxIO published (github.com/FoxIO-LLC/ja4, technical_details/JA4.md). transport is 't' for TLS over TCP, 'q' for
// QUIC, 'd' for DTLS. It appends nothing for a hello with more than 256 cipher suites, extensions or signature
// algorithms. It allocates only where dst has no room.
func (h *Hello) JA4(dst []byte, transport byte) []byte {
	var buffer [2 * maxListed * len("0000,")]byte
	var first, second [maxListed]uint16
	suites, okSuites := numbersIn(first[:0], h.suites)
	ids, okIDs := h.extensionIDs(second[:0])
	if !okSuites || !okIDs {
		return dst
	}
	out := append(dst, transport)
	out = append(out, h.ja4Version()...)
	_, named := h.extension(extServerName)
	if named {
		out = append(out, 'd')
	} else {
		out = append(out, 'i')
	}
	out = appendCount(appendCount(out, len(suites)), len(ids))
	out = h.appendALPN(out)

	slices.Sort(suites)
	out = appendDigest(append(out, '_'), appendHex(buffer[:0], suites))

	ids = slices.DeleteFunc(ids, func(id uint16) bool { return id == extServerName || id == extALPN })
	slices.Sort(ids)
	text := appendHex(buffer[:0], ids)
	signatures, ok := numbersIn(first[:0], h.listIn(extSignatures, 2))
	if !ok {
		return dst
	}
	if len(signatures) > 0 {
		text = appendHex(append(text, '_'), signatures)
	}
	return appendDigest(append(out, '_'), text)
}

// ja4Version gives the newest version that the hello offers. Those of DTLS count downwards.
func (h *Hello) ja4Version() string {
	newest := h.Version
	var buffer [maxListed]uint16
	for i, version := range firstOf(numbersIn(buffer[:0], h.listIn(extVersions, 1))) {
		if isDTLS := version>>8 == 0xfe; i == 0 || isDTLS == (version < newest) {
			newest = version
		}
	}
	switch newest {
	case 0x0304:
		return "13"
	case 0x0303:
		return "12"
	case 0x0302:
		return "11"
	case 0x0301:
		return "10"
	case 0x0300:
		return "s3"
	case 0x0002:
		return "s2"
	case 0xfeff:
		return "d1"
	case 0xfefd:
		return "d2"
	case 0xfefc:
		return "d3"
	}
	return "00"
}

func firstOf(list []uint16, _ bool) []uint16 { return list }

// appendCount appends two digits; 99 stands for all larger numbers.
func appendCount(dst []byte, n int) []byte {
	n = min(n, 99)
	return append(dst, byte('0'+n/10), byte('0'+n%10))
}

// appendALPN appends the first and the last character of the first protocol: of its text or, where one of the two is
// neither a letter nor a digit, of its hexadecimal form.
func (h *Hello) appendALPN(dst []byte) []byte {
	list := h.listIn(extALPN, 2)
	r := readerOf(list, len(list))
	protocol := r.take(r.uint(1))
	if len(protocol) == 0 {
		return append(dst, "00"...)
	}
	first, last := protocol[0], protocol[len(protocol)-1]
	if !isAlphanumeric(first) || !isAlphanumeric(last) {
		first, last = hexDigits[first>>4], hexDigits[last&0xf]
	}
	return append(dst, first, last)
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= lower(c) && lower(c) <= 'z'
}

// appendHex appends the numbers in four hexadecimal digits each, with commas.
func appendHex(dst []byte, list []uint16) []byte {
	for i, n := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, hexDigits[n>>12], hexDigits[n>>8&0xf], hexDigits[n>>4&0xf], hexDigits[n&0xf])
	}
	return dst
}

// appendDigest appends the first twelve hexadecimal digits of the text's SHA-256 sum; zeros for no text.
func appendDigest(dst, text []byte) []byte {
	if len(text) == 0 {
		return append(dst, "000000000000"...)
	}
	sum := sha256.Sum256(text)
	return hex.AppendEncode(dst, sum[:6])
}
