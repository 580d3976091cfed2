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
		switch kind := r.varint(); kind {
		case framePadding, framePing:
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

// keep puts a piece of the CRYPTO stream in its place. Of bytes that come twice the first count.
func (q *QUIC) keep(offset int, piece []byte) {
	if offset >= maxCrypto {
		return
	}
	for i, b := range piece[:min(len(piece), maxCrypto-offset)] {
		at := offset + i
		if bit := uint64(1) << (at % 64); q.have[at/64]&bit == 0 {
			q.have[at/64] |= bit
			q.crypto[at] = b
		}
	}
}
