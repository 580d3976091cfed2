package inspect

// usualDatagram is the first size of the scratch. Larger Initials grow it.
const usualDatagram = 1536

// QUIC reads the ClientHello in the client's Initial packets of one flow. The zero value is ready; Reset makes it ready
// for another flow, and keeps its memory. It holds some 5 KiB, and a scratch once it met an Initial.
//
// The scratch costs one allocation for as long as the QUIC lives, and keys cost none where the processor has instructions for AES and
// there is assembly for them here, on amd64; elsewhere three (two ciphers and GCM, as crypto/aes has them). Nothing else
// allocates. An Initial that the keys do not open, with another connection id, costs a derivation.
type QUIC struct {
	// Options may be set before the first Datagram of a flow; Reset keeps them.
	Options QUICOptions
	// Hello is valid once Datagram gave Yes, until Reset or until a new connection on the same flow begins; with
	// Options.Lone, until the next Datagram. Its SNI points into the QUIC.
	Hello Hello
	// Unreadable is valid after each Datagram: that gave No, and yet the datagram begins like an Initial of a version that
	// is read. It does not decrypt, is cut off or broken, or holds no ClientHello that can be read.
	Unreadable bool

	keys    initialKeys
	next    initialKeys           // tried when keys do not open a packet
	dcid    [maxConnectionID]byte // that the keys were derived from
	dcidLen int
	version *quicVersion // likewise

	assembly        // of the CRYPTO stream
	complete Result // of the hello in it
	scratch  []byte
}

// Reset forgets the flow.
func (q *QUIC) Reset() {
	q.keys = initialKeys{}
	q.dcidLen, q.version = 0, nil
	q.Unreadable = false
	q.forgetCrypto()
}

func (q *QUIC) forgetCrypto() {
	q.Hello = Hello{}
	q.assembly.forget()
	q.complete = More
}

// Datagram takes the payload of one UDP datagram of the client, in any order. Yes: it carries an Initial that
// authenticates (RFC 9001, section 5.3: the AEAD tag is checked), and Hello is complete. More: so does it, and bytes of
// the hello are missing. No: no such Initial, or one that carries something else. The payload is only read.
//
// Packets that share the datagram are looked at as well (RFC 9000, section 12.2). Keys come from the first Initial's
// destination connection id; a packet that they do not open is tried with keys of its own id, which take over if they
// open it: after a Retry, or when a new connection begins on the flow.
func (q *QUIC) Datagram(payload []byte) Result {
	if q.Options.Lone {
		q.forgetCrypto()
	}
	r := q.packets(payload)
	if r == More && q.Options.Lone {
		r = No
	}
	q.Unreadable = r == No && q.Options.Versions.looksInitial(payload)
	return r
}

func (q *QUIC) packets(payload []byte) Result {
	if q.Options.Bare && q.isPadded(payload) {
		return No
	}
	opened := false
	for len(payload) > 0 {
		packet, ok := parseLong(payload, q.Options.Versions)
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

// isPadded tells whether packets are followed by nothing but zero bytes.
func (q *QUIC) isPadded(payload []byte) bool {
	for len(payload) > 0 {
		packet, ok := parseLong(payload, q.Options.Versions)
		if !ok {
			return isZero(payload)
		}
		payload = payload[len(packet.bytes):]
	}
	return false
}

func (q *QUIC) open(p longPacket) ([]byte, bool) {
	if len(q.scratch) < len(p.bytes) {
		q.scratch = make([]byte, max(usualDatagram, len(p.bytes)))
	}
	if q.keys.known && p.version == q.version {
		if plain, ok := q.keys.open(p.bytes, p.number, q.scratch); ok {
			return plain, true
		}
		if string(p.dcid) == string(q.dcid[:q.dcidLen]) {
			return nil, false
		}
	}
	q.next.derive(p.version, p.dcid)
	plain, ok := q.next.open(p.bytes, p.number, q.scratch)
	if !ok {
		return nil, false
	}
	q.keys = q.next
	q.dcidLen, q.version = copy(q.dcid[:], p.dcid), p.version
	q.forgetCrypto()
	return plain, true
}

// hello parses the crypto stream once more bytes of it have come together.
func (q *QUIC) hello() Result {
	if q.grow() && q.complete == More {
		q.Hello = Hello{}
		q.complete = q.Hello.handshake(q.crypto[:q.length])
	}
	return q.complete
}
