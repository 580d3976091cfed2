package inspect

import "math/bits"

// maxCrypto bounds the handshake that is put together, of QUIC and of DTLS: what every endpoint of QUIC must be able to
// hold (RFC 9000, section 7.5). Bytes beyond it are not kept.
const maxCrypto = 4096

// assembly puts the pieces of a handshake in order, as they come. The zero value is empty.
type assembly struct {
	crypto [maxCrypto]byte
	have   [maxCrypto / 64]uint64 // a bit for each byte of crypto that has come
	length int                    // bytes of crypto without a gap, as of the last grow
}

func (a *assembly) forget() {
	clear(a.have[:])
	a.length = 0
}

// keep puts a piece in its place. Of bytes that come twice the first count. It goes by words of have: a piece that is all
// new, which is the rule, is copied, and one that is all known costs nothing.
func (a *assembly) keep(offset int, piece []byte) {
	if offset >= maxCrypto {
		return
	}
	for at, end := offset, min(offset+len(piece), maxCrypto); at < end; {
		n := min(64-at%64, end-at)
		word, mask := &a.have[at/64], (^uint64(0)>>(64-n))<<(at%64)
		from := piece[at-offset:]
		switch *word & mask {
		case 0:
			copy(a.crypto[at:at+n], from)
		case mask:
		default:
			for i := range n {
				if *word>>((at+i)%64)&1 == 0 {
					a.crypto[at+i] = from[i]
				}
			}
		}
		*word |= mask
		at += n
	}
}

// grow counts the bytes without a gap, and tells whether they are more than before.
func (a *assembly) grow() bool {
	before := a.length
	for a.length < maxCrypto {
		n := bits.TrailingZeros64(^(a.have[a.length/64] >> (a.length % 64)))
		a.length += n
		if n == 0 || a.length%64 != 0 {
			break
		}
	}
	return a.length > before
}
