package packet

import "encoding/binary"

// The TCP options that Options reads (IANA, "TCP Option Kind Numbers").
const (
	optionEnd       = 0
	optionNone      = 1
	optionScale     = 3  // RFC 7323, section 2.2
	optionTimestamp = 8  // RFC 7323, section 3.2
	optionMD5       = 19 // RFC 2385
)

// Options are those of a TCP header that a box can judge a segment by. The zero value is a header without them.
type Options struct {
	HasTimestamp bool
	Timestamp    uint32 // TSval
	HasScale     bool
	Scale        uint8 // of the window, to 14 (RFC 7323, section 2.3)
	MD5          bool  // a signature of whatever length: it is not checked
}

// Options walks the options once: of one that comes twice the first counts, and one that is cut off or whose length cannot be
// ends the walk. Valid where HasTransport is; TCP only.
func (p *Packet) Options() (o Options) {
	for b := p.TCPOptions; len(b) > 0; {
		if b[0] == optionEnd {
			break
		}
		if b[0] == optionNone {
			b = b[1:]
			continue
		}
		if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
			break
		}
		o.take(b[0], b[2:b[1]])
		b = b[b[1]:]
	}
	return o
}

func (o *Options) take(kind uint8, body []byte) {
	switch {
	case kind == optionTimestamp && len(body) == 8 && !o.HasTimestamp:
		o.HasTimestamp, o.Timestamp = true, binary.BigEndian.Uint32(body)
	case kind == optionScale && len(body) == 1 && !o.HasScale:
		o.HasScale, o.Scale = true, min(body[0], 14)
	case kind == optionMD5:
		o.MD5 = true
	}
}
