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
			piece := r.take(length)
			if !q.Options.Lone || offset == 0 && q.have[0] == 0 {
				q.keep(offset, piece)
			}
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
