package inspect

import "bytes"

// The kinds of a flow's first payload after which the box of 2021 kept looking, where it gave up on a flow that began
// with 101 or more bytes of anything else (spec B05; IMC21, P). IMC21 names the kinds, not the tests: these are a choice.

// IsTLSRecord says whether the payload begins with the header of a TLS record of any type, complete or not.
func IsTLSRecord(payload []byte) bool {
	const maxCiphertext = maxRecord + 2048 // RFC 5246, section 6.2.3
	if len(payload) < recordHeader || payload[0] < 20 || payload[0] > 24 || payload[1] != 3 || payload[2] > 4 {
		return false
	}
	length := int(payload[3])<<8 | int(payload[4])
	return length > 0 && length <= maxCiphertext
}

// IsSOCKS says whether the payload is a SOCKS5 greeting (RFC 1928, section 3) or a SOCKS4 request.
func IsSOCKS(payload []byte) bool {
	if len(payload) < 3 {
		return false
	}
	switch payload[0] {
	case 4: // version, command, port, address, user ended by 0
		return len(payload) >= 9 && (payload[1] == 1 || payload[1] == 2) && bytes.IndexByte(payload[8:], 0) >= 0
	case 5:
		return payload[1] > 0 && len(payload) == 2+int(payload[1])
	}
	return false
}

// IsHTTPProxy says whether the payload begins with a CONNECT request (RFC 9110, section 9.3.6).
func IsHTTPProxy(payload []byte) bool {
	line, ok := bytes.CutPrefix(payload, []byte("CONNECT "))
	if !ok {
		return false
	}
	if line, _, ok = httpLine(line); !ok {
		return false
	}
	_, ok = httpTarget(line)
	return ok
}
