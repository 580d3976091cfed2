package inspect

import (
	"crypto/md5"
	"encoding/hex"
	"strconv"
)

// The extensions that fingerprints read (RFC 8446, section 4.2; RFC 8422, section 5.1; RFC 7301, section 3.1).
const (
	extGroups       = 10
	extPointFormats = 11
	extSignatures   = 13
	extALPN         = 16
	extVersions     = 43
)

// maxListed bounds each list that a fingerprint is made of; a hello with a longer one has none (choice: the longest
// lists of real programs have fewer than 200).
const maxListed = 256

// Extension finds an extension by its number and tells how many bytes it holds; of several with the number, the first.
func (h *Hello) Extension(id uint16) (length int, ok bool) {
	body, ok := h.extension(id)
	return len(body), ok
}

func (h *Hello) extension(id uint16) (body []byte, ok bool) {
	for r := readerOf(h.extensions, len(h.extensions)); r.result == Yes && r.left() > 0; {
		kind := r.uint(2)
		body := r.take(r.uint(2))
		if r.result == Yes && kind == int(id) {
			return body, true
		}
	}
	return nil, false
}

// listIn gives the list that an extension consists of, whose length comes first in so many bytes; nil without it.
func (h *Hello) listIn(id uint16, prefix int) []byte {
	body, _ := h.extension(id)
	r := readerOf(body, len(body))
	return r.take(r.uint(prefix))
}

// JA3 appends the 32 hexadecimal digits of the hello's JA3 fingerprint: the MD5 sum of the version, and of the cipher
// suites, extensions, groups and point formats in the order of the wire, as decimal numbers and without GREASE (RFC 8701);
// github.com/salesforce/ja3. It appends nothing for a hello with more than 256 of one of them. It allocates only where
// dst has no room.
func (h *Hello) JA3(dst []byte) []byte {
	var buffer [len("65535,,,,") + 4*maxListed*len("65535-")]byte
	var numbers [maxListed]uint16
	text := strconv.AppendUint(buffer[:0], uint64(h.Version), 10)
	for part := range 4 {
		var list []uint16
		ok := true
		switch part {
		case 0:
			list, ok = numbersIn(numbers[:0], h.suites)
		case 1:
			list, ok = h.extensionIDs(numbers[:0])
		case 2:
			list, ok = numbersIn(numbers[:0], h.listIn(extGroups, 2))
		case 3:
			list = numbers[:0]
			for _, format := range h.listIn(extPointFormats, 1) { // at most 255
				list = append(list, uint16(format))
			}
		}
		if !ok {
			return dst
		}
		text = appendDecimals(append(text, ','), list)
	}
	sum := md5.Sum(text)
	return hex.AppendEncode(dst, sum[:])
}

func appendDecimals(text []byte, list []uint16) []byte {
	for i, number := range list {
		if i > 0 {
			text = append(text, '-')
		}
		text = strconv.AppendUint(text, uint64(number), 10)
	}
	return text
}

// numbersIn appends the numbers of a list, GREASE left out; false when they are more than dst holds.
func numbersIn(dst []uint16, list []byte) (_ []uint16, ok bool) {
	for ; len(list) >= 2; list = list[2:] {
		number := uint16(list[0])<<8 | uint16(list[1])
		if isGREASE(number) {
			continue
		}
		if len(dst) == cap(dst) {
			return nil, false
		}
		dst = append(dst, number)
	}
	return dst, true
}

// extensionIDs is numbersIn for the numbers of the extensions.
func (h *Hello) extensionIDs(dst []uint16) (_ []uint16, ok bool) {
	for r := readerOf(h.extensions, len(h.extensions)); r.result == Yes && r.left() > 0; {
		id := uint16(r.uint(2))
		r.take(r.uint(2))
		if isGREASE(id) {
			continue
		}
		if len(dst) == cap(dst) {
			return nil, false
		}
		dst = append(dst, id)
	}
	return dst, true
}

// isGREASE knows the sixteen values of RFC 8701, section 2: 0x0a0a, 0x1a1a and so on.
func isGREASE(number uint16) bool { return number&0x0f0f == 0x0a0a && number>>8 == number&0xff }
