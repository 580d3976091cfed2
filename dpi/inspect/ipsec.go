package inspect

import "encoding/binary"

// IsIKE says whether a datagram is the first message of an IKE exchange, of version 2 (RFC 7296, section 3.1) or of version
// 1 (RFC 2408, section 3.1), with or without the four zero bytes that port 4500 puts before it (RFC 3948, section 2.2).
func IsIKE(payload []byte) bool {
	const (
		header             = 28
		mainMode           = 2
		aggressive         = 4
		saInit             = 34
		saV1, saV2         = 1, 33
		versionV1          = 1 << 4
		versionV2          = 2 << 4
		flagInitiator byte = 8
	)
	if len(payload) > 4 && isZero(payload[:4]) {
		payload = payload[4:]
	}
	if len(payload) <= header || binary.BigEndian.Uint64(payload) == 0 || !isZero(payload[8:16]) ||
		!isZero(payload[20:24]) || int(binary.BigEndian.Uint32(payload[24:])) != len(payload) {
		return false
	}
	next, version, exchange, flags := payload[16], payload[17], payload[18], payload[19]
	switch version {
	case versionV1:
		return next == saV1 && (exchange == mainMode || exchange == aggressive) && flags == 0
	case versionV2:
		return next == saV2 && exchange == saInit && flags == flagInitiator
	}
	return false
}

// IsL2TP says whether a datagram is a Start-Control-Connection-Request, the first message of L2TP of version 2 (RFC 2661,
// sections 3.1 and 6.1) or 3 over UDP (RFC 3931, section 4.1.2): a control message with length and sequence numbers,
// no tunnel yet, number 0, whose first AVP names its type.
func IsL2TP(payload []byte) bool {
	const (
		header = 12
		flags  = 0xc8 // T, L and S
		sccrq  = "\x80\x08\x00\x00\x00\x00\x00\x01"
	)
	return len(payload) >= header+len(sccrq) && payload[0] == flags && (payload[1] == 2 || payload[1] == 3) &&
		int(binary.BigEndian.Uint16(payload[2:])) == len(payload) &&
		isZero(payload[4:header]) && string(payload[header:header+len(sccrq)]) == sccrq
}
