package inspect

import "encoding/binary"

const (
	stunHeader = 20
	stunCookie = 0x2112A442
)

// STUN says whether a UDP payload is one STUN message (RFC 8489, section 5; spec B28): two zero bits, the magic cookie,
// and a length that is a multiple of four and that of the payload.
func STUN(payload []byte) bool {
	if len(payload) < stunHeader || payload[0]&0xc0 != 0 {
		return false
	}
	length := int(binary.BigEndian.Uint16(payload[2:]))
	return length%4 == 0 && stunHeader+length == len(payload) && binary.BigEndian.Uint32(payload[4:]) == stunCookie
}
