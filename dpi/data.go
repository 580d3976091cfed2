package dpi

import (
	"encoding/binary"

	"dpilab/rules"
)

// isData tells whether a packet carries data of its protocol, in the sense of rules.UnitData. Of TLS and DTLS a packet in which a
// record of application data begins; one that holds nothing but the middle of a long record does not say what it is, and counts
// as none.
func isData(protocol rules.Protocol, payload []byte) bool {
	if len(payload) == 0 {
		return false
	}
	switch protocol {
	case rules.ProtocolTLS:
		return hasRecord(payload, 5)
	case rules.ProtocolDTLS:
		return hasRecord(payload, 13)
	case rules.ProtocolWireGuard:
		return len(payload) >= 4 && payload[0] == 4 && payload[1]|payload[2]|payload[3] == 0
	case rules.ProtocolOpenVPN:
		return isOpenVPNData(payload)
	}
	return true
}

const applicationData = 23

// hasRecord walks records whose header is so long and ends with their length.
func hasRecord(b []byte, header int) bool {
	for len(b) >= header && 20 <= b[0] && b[0] <= 26 {
		if b[0] == applicationData {
			return true
		}
		n := header + int(binary.BigEndian.Uint16(b[header-2:]))
		if n > len(b) {
			return false
		}
		b = b[n:]
	}
	return false
}

// isOpenVPNData knows P_DATA_V1 and P_DATA_V2, over UDP and, behind a length, over TCP.
func isOpenVPNData(b []byte) bool {
	if len(b) > 2 && int(binary.BigEndian.Uint16(b)) == len(b)-2 {
		b = b[2:]
	}
	opcode := b[0] >> 3
	return opcode == 6 || opcode == 9
}
