package inspect

import "encoding/binary"

// QUICv1 is the version of RFC 9000.
const QUICv1 = 1

const (
	// maxCrypto bounds the CRYPTO stream that is put together: what every endpoint must be able to hold (RFC 9000,
	// section 7.5). Bytes beyond it are not kept.
	maxCrypto = 4096
	// usualDatagram is the first size of the scratch. Larger Initials grow it.
	usualDatagram = 1536
)

// QUICVersion gives the version of a packet with a long header (RFC 8999, section 5.1).
func QUICVersion(payload []byte) (version uint32, ok bool) {
	if len(payload) < 5 || payload[0]&0x80 == 0 {
		return 0, false
	}
	return binary.BigEndian.Uint32(payload[1:]), true
}

// QUIC reads the ClientHello in the client's Initial packets of one flow. The zero value is ready; Reset makes it ready
// for another flow, and keeps its memory. It holds some 5 KiB, and a scratch once it met an Initial.
//
// Keys cost three allocations (two ciphers and GCM, as crypto/aes has them), the scratch one for as long as the QUIC
// lives; nothing else allocates. An Initial that the keys do not open, with another connection id, costs a derivation.
type QUIC struct {
	// Hello is valid once Datagram gave Yes, until Reset or until a new connection on the same flow begins.
	// Its SNI points into the QUIC.
	Hello Hello

	keys    initialKeys
	next    initialKeys           // tried when keys do not open a packet
	dcid    [maxConnectionID]byte // that the keys were derived from
	dcidLen int

	crypto   [maxCrypto]byte
	have     [maxCrypto / 64]uint64 // a bit for each byte of crypto that has come
	length   int                    // bytes of crypto without a gap
	complete Result                 // of the hello in crypto
	scratch  []byte
}

// Reset forgets the flow.
func (q *QUIC) Reset() {
	q.keys = initialKeys{}
	q.dcidLen = 0
	q.forgetCrypto()
}

func (q *QUIC) forgetCrypto() {
	q.Hello = Hello{}
	clear(q.have[:])
	q.length, q.complete = 0, More
}

// Datagram takes the payload of one UDP datagram of the client, in any order. Yes: it carries a version 1 Initial that
// authenticates (RFC 9001, section 5.3: the AEAD tag is checked), and Hello is complete. More: so does it, and bytes of
// the hello are missing. No: no such Initial, or one that carries something else. The payload is only read.
//
// Packets that share the datagram are looked at as well (RFC 9000, section 12.2). Keys come from the first Initial's
// destination connection id; a packet that they do not open is tried with keys of its own id, which take over if they
// open it: after a Retry, or when a new connection begins on the flow.
func (q *QUIC) Datagram(payload []byte) Result {
	opened := false
	for len(payload) > 0 {
		packet, ok := parseLong(payload)
		if !ok {
			break
		}
		if packet.initial {
			if plain, ok := q.open(packet); ok {
				opened = true
				if !q.frames(plain) {
					return No
				}
			}
		}
		payload = payload[len(packet.bytes):]
	}
	if !opened {
		return No
	}
	return q.hello()
}

func (q *QUIC) open(p longPacket) ([]byte, bool) {
	if len(q.scratch) < len(p.bytes) {
		q.scratch = make([]byte, max(usualDatagram, len(p.bytes)))
	}
	if q.keys.aead != nil {
		if plain, ok := q.keys.open(p.bytes, p.number, q.scratch); ok {
			return plain, true
		}
		if string(p.dcid) == string(q.dcid[:q.dcidLen]) {
			return nil, false
		}
	}
	q.next.derive(p.dcid)
	plain, ok := q.next.open(p.bytes, p.number, q.scratch)
	if !ok {
		return nil, false
	}
	q.keys = q.next
	q.dcidLen = copy(q.dcid[:], p.dcid)
	q.forgetCrypto()
	return plain, true
}

// hello parses the crypto stream once more bytes of it have come together.
func (q *QUIC) hello() Result {
	before := q.length
	for q.length < maxCrypto && q.have[q.length/64]>>(q.length%64)&1 == 1 {
		q.length++
	}
	if q.complete == More && q.length > before {
		q.Hello = Hello{}
		q.complete = q.Hello.handshake(q.crypto[:q.length])
	}
	return q.complete
}

// longPacket is a version 1 packet with a long header that states its length (RFC 9000, section 17.2).
type longPacket struct {
	bytes   []byte // header and body
	initial bool   // else 0-RTT or Handshake
	dcid    []byte
	number  int // where the packet number begins
}

func parseLong(payload []byte) (p longPacket, ok bool) {
	r := readerOf(payload, len(payload))
	first := r.uint(1)
	version := r.uint(4)
	kind := first >> 4 & 3
	r.require(first&0xc0 == 0xc0 && version == QUICv1 && kind != 3) // a Retry has no length
	dcid := r.connectionID()
	r.connectionID()
	if kind == 0 {
		r.take(r.varint()) // token
	}
	length := r.varint()
	number := r.at
	r.take(length)
	return longPacket{bytes: payload[:r.at], initial: kind == 0, dcid: dcid, number: number}, r.result == Yes
}

func (r *reader) connectionID() []byte {
	n := r.uint(1)
	r.require(n <= maxConnectionID)
	return r.take(n)
}

// varint reads a variable-length integer (RFC 9000, section 16); 0 when it fails.
func (r *reader) varint() int {
	b := r.take(1)
	if b == nil {
		return 0
	}
	value := int(b[0] & 0x3f)
	for _, next := range r.take(1<<(b[0]>>6) - 1) {
		value = value<<8 | int(next)
	}
	return value
}
