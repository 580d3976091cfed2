package inspect

import "encoding/binary"

// The first byte of an OpenVPN packet: operation in five bits, key in three (draft-schwabe-openvpn-wire-protocol).
const (
	openVPNResetV2 = 7  // P_CONTROL_HARD_RESET_CLIENT_V2
	openVPNResetV3 = 10 // P_CONTROL_HARD_RESET_CLIENT_V3, with a wrapped client key: tls-crypt-v2
	openVPNDataV1  = 6
	openVPNDataV2  = 9 // with three bytes of peer id

	openVPNSession  = 8
	openVPNReplay   = 8             // tls-auth and tls-crypt: packet id, time
	openVPNPlain    = 1 + 8 + 1 + 4 // operation, session, count of acknowledgements, message id
	openVPNCrypt    = 1 + 8 + 8 + 32 + 1 + 4
	maxOpenVPNData  = 2048 // choice: of a packet in a stream; --tun-mtu is 1500, its maximum by default 1600
	maxOpenVPNReset = 2048 // choice: a wrapped client key has at most 1024 bytes, in practice some 290
)

// IsOpenVPN says whether a datagram is the first packet of a client, with key 0 and a message id of 0: plain, with
// tls-auth (a digest of 16 to 64 bytes), with tls-crypt, or with tls-crypt-v2.
func IsOpenVPN(payload []byte) bool {
	if len(payload) < openVPNPlain || binary.BigEndian.Uint64(payload[1:]) == 0 {
		return false
	}
	switch payload[0] {
	case openVPNResetV2 << 3:
		return len(payload) == openVPNPlain && isZero(payload[1+openVPNSession:]) ||
			isOpenVPNAuth(payload) ||
			len(payload) == openVPNCrypt && isEarly(payload[1+openVPNSession:])
	case openVPNResetV3 << 3:
		if len(payload) <= openVPNCrypt || len(payload) > maxOpenVPNReset {
			return false
		}
		wrapped := int(binary.BigEndian.Uint16(payload[len(payload)-2:])) // counts itself
		return openVPNCrypt+wrapped == len(payload)
	}
	return false
}

// isOpenVPNAuth looks for a digest between the session and what replay protection adds.
func isOpenVPNAuth(payload []byte) bool {
	digest := len(payload) - openVPNPlain - openVPNReplay
	switch digest {
	case 16, 20, 28, 32, 48, 64: // MD5, SHA-1, SHA-2
		after := payload[1+openVPNSession+digest:]
		return isEarly(after) && isZero(after[openVPNReplay:])
	}
	return false
}

// isEarly checks the packet id of replay protection, which counts from 1. The first packet may be a repeated one.
func isEarly(b []byte) bool {
	id := binary.BigEndian.Uint32(b)
	return id > 0 && id < 256
}

func isZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// isOpenVPNStream is IsOpenVPN for TCP, where a length of two bytes comes before each packet.
func isOpenVPNStream(payload []byte) bool {
	return len(payload) > 2 && int(binary.BigEndian.Uint16(payload)) == len(payload)-2 && IsOpenVPN(payload[2:])
}

// isOpenVPNData takes data of either version with any key; a tag of 16 bytes and a packet id of 4 are the least of it.
func isOpenVPNData(payload []byte) bool {
	if len(payload) < 1+4+16 {
		return false
	}
	operation := payload[0] >> 3
	return operation == openVPNDataV1 || operation == openVPNDataV2
}

func isOpenVPNStreamData(payload []byte) bool {
	if len(payload) < 3 {
		return false
	}
	length, operation := int(binary.BigEndian.Uint16(payload)), payload[2]>>3
	return length >= 1+4+16 && length <= maxOpenVPNData && (operation == openVPNDataV1 || operation == openVPNDataV2)
}
