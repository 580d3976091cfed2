package inspect

import "encoding/binary"

// QUICVersion gives the version of a packet with a long header (RFC 8999, section 5.1).
func QUICVersion(payload []byte) (version uint32, ok bool) {
	if len(payload) < 5 || payload[0]&0x80 == 0 {
		return 0, false
	}
	return binary.BigEndian.Uint32(payload[1:]), true
}

// longPacket is a packet with a long header that states its length (RFC 9000, section 17.2).
type longPacket struct {
	version *quicVersion
	bytes   []byte // header and body
	initial bool   // else 0-RTT or Handshake
	dcid    []byte
	number  int // where the packet number begins
}

func parseLong(payload []byte, versions QUICVersions) (p longPacket, ok bool) {
	v := versions.versionOf(payload)
	if v == nil {
		return p, false
	}
	r := readerOf(payload, len(payload))
	kind := r.uint(1) >> 4 & 3
	r.take(4)
	r.require(kind != v.retry)
	dcid := r.connectionID()
	r.connectionID()
	if kind == v.initial {
		r.take(r.varint()) // token
	}
	length := r.varint()
	number := r.at
	r.take(length)
	return longPacket{version: v, bytes: payload[:r.at], initial: kind == v.initial, dcid: dcid, number: number}, r.result == Yes
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
