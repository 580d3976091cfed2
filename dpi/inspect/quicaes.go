package inspect

import (
	"encoding/binary"
	"math/bits"
)

// aes128 is AES-128 (FIPS 197) in counter mode, re-keyed without allocating, which the standard library's cannot be. Keys of Initials
// follow from what is on the wire, so nothing here need take a constant time. Only where fastAES is true.
type aes128 struct {
	rounds [176]byte
}

// sbox is the substitution of FIPS 197, section 5.1.1.
var sbox = func() (s [256]byte) {
	s[0] = 0x63
	// p runs over all elements but 0, as powers of 3, and q over their inverses.
	for p, q := byte(1), byte(1); ; {
		p ^= p<<1 ^ 0x1b*(p>>7)
		q ^= q << 1
		q ^= q << 2
		q ^= q << 4
		q ^= 0x09 * (q >> 7)
		s[p] = q ^ bits.RotateLeft8(q, 1) ^ bits.RotateLeft8(q, 2) ^ bits.RotateLeft8(q, 3) ^ bits.RotateLeft8(q, 4) ^ 0x63
		if p == 1 {
			return s
		}
	}
}()

// setKey expands the key (FIPS 197, section 5.2).
func (c *aes128) setKey(key []byte) {
	copy(c.rounds[:], key[:16])
	last, constant := binary.LittleEndian.Uint32(key[12:]), uint32(1)
	for at := 16; at < len(c.rounds); at += 4 {
		if at%16 == 0 {
			turned := bits.RotateLeft32(last, -8)
			last = uint32(sbox[byte(turned)]) | uint32(sbox[byte(turned>>8)])<<8 | uint32(sbox[byte(turned>>16)])<<16 | uint32(sbox[turned>>24])<<24
			last ^= constant
			if constant <<= 1; constant > 0xff {
				constant = 0x1b
			}
		}
		last ^= binary.LittleEndian.Uint32(c.rounds[at-16:])
		binary.LittleEndian.PutUint32(c.rounds[at:], last)
	}
}

// encrypt gives one block: counter mode of nothing.
func (c *aes128) encrypt(block *[16]byte) (out [16]byte) {
	aesCTR(&c.rounds, block, &out[0], &out[0], 1)
	return out
}

// gcm128 is GCM of 12-byte nonces (NIST SP 800-38D) over it.
type gcm128 struct {
	aes128
	h [16]byte // the key of the hash
}

func (c *gcm128) setKey(key []byte) {
	c.aes128.setKey(key)
	c.h = c.encrypt(&[16]byte{})
}

// open decrypts sealed, which ends with the tag, into dst, which is as long without it, unless the tag does not fit.
func (c *gcm128) open(dst []byte, nonce *[12]byte, sealed, header []byte) bool {
	body := sealed[:len(sealed)-gcmTag]
	var y, last, counter [16]byte
	c.hash(&y, header)
	c.hash(&y, body)
	binary.BigEndian.PutUint64(last[:], uint64(len(header))*8)
	binary.BigEndian.PutUint64(last[8:], uint64(len(body))*8)
	ghash(&c.h, &y, &last[0], 1)
	copy(counter[:], nonce[:])
	counter[15] = 1
	aesCTR(&c.rounds, &counter, &y[0], &y[0], 1)
	if y != [16]byte(sealed[len(body):]) {
		return false
	}
	counter[15] = 2
	whole := len(body) / 16
	if whole > 0 {
		aesCTR(&c.rounds, &counter, &dst[0], &body[0], whole)
	}
	if rest := body[whole*16:]; len(rest) > 0 {
		binary.BigEndian.PutUint32(counter[12:], uint32(2+whole))
		last = [16]byte{}
		copy(last[:], rest)
		aesCTR(&c.rounds, &counter, &last[0], &last[0], 1)
		copy(dst[whole*16:], last[:len(rest)])
	}
	return true
}

// hash takes data into y, filled up with zeros to whole blocks.
func (c *gcm128) hash(y *[16]byte, data []byte) {
	whole := len(data) / 16
	if whole > 0 {
		ghash(&c.h, y, &data[0], whole)
	}
	if rest := data[whole*16:]; len(rest) > 0 {
		var last [16]byte
		copy(last[:], rest)
		ghash(&c.h, y, &last[0], 1)
	}
}
