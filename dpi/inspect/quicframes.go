package inspect

// The frames that an Initial may carry (RFC 9000, sections 12.4 and 19).
const (
	framePadding = 0
	framePing    = 1
	frameAck     = 2
	frameAckECN  = 3
	frameCrypto  = 6
	frameClose   = 0x1c
)

// frames keeps what CRYPTO frames carry and skips the others; false for a frame that an Initial may not carry, and for
// one that is cut off.
func (q *QUIC) frames(plain []byte) bool {
	r := readerOf(plain, len(plain))
	for r.result == Yes && r.left() > 0 {
		if r.bytes[r.at] == framePadding { // most of a datagram can be padding
			r.at++
			continue
		}
		switch kind := r.varint(); kind {
		case framePing:
		case frameAck, frameAckECN:
			r.skipAck(kind == frameAckECN)
		case frameCrypto:
			offset, length := r.varint(), r.varint()
			q.keep(offset, r.take(length))
		case frameClose:
			r.varint() // error
			r.varint() // frame
			r.take(r.varint())
		default:
			return false
		}
	}
	return r.result == Yes
}

func (r *reader) skipAck(ecn bool) {
	r.varint() // largest
	r.varint() // delay
	ranges := r.varint()
	r.fits(ranges)
	r.varint() // first range
	numbers := 2 * ranges
	if ecn {
		numbers += 3
	}
	for i := 0; i < numbers && r.result == Yes; i++ {
		r.varint()
	}
}

// keep puts a piece of the CRYPTO stream in its place. Of bytes that come twice the first count. It goes by words of
// have: a piece that is all new, which is the rule, is copied, and one that is all known costs nothing.
func (q *QUIC) keep(offset int, piece []byte) {
	if offset >= maxCrypto {
		return
	}
	for at, end := offset, min(offset+len(piece), maxCrypto); at < end; {
		n := min(64-at%64, end-at)
		word, mask := &q.have[at/64], (^uint64(0)>>(64-n))<<(at%64)
		from := piece[at-offset:]
		switch *word & mask {
		case 0:
			copy(q.crypto[at:at+n], from)
		case mask:
		default:
			for i := range n {
				if *word>>((at+i)%64)&1 == 0 {
					q.crypto[at+i] = from[i]
				}
			}
		}
		*word |= mask
		at += n
	}
}
