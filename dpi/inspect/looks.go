package inspect

import (
	"bytes"
	"encoding/binary"
)

// Looks is a protocol that a flow's first payload gives away at once, or whose data packets can be told apart. TLS, QUIC,
// HTTP, DNS, STUN and WhatsApp have parsers of their own.
type Looks uint8

// The zero Looks is of nothing known. LooksTLS is only asked about data: TLS opens with what TLS.ClientHello reads.
const (
	LooksNone       Looks = iota
	LooksTLS              // RFC 8446
	LooksDTLS             // RFC 6347, RFC 9147
	LooksWireGuard        // wireguard.com/protocol
	LooksOpenVPN          // draft-schwabe-openvpn-wire-protocol
	LooksBitTorrent       // BEP 3, 5, 15 and 29: peers, DHT, UDP trackers, uTP
	LooksIKE              // RFC 7296, RFC 2408; RFC 3948 on port 4500
	LooksL2TP             // RFC 2661, RFC 3931
	LooksSSH              // RFC 4253
	LooksSOCKS            // RFC 1928 and SOCKS4
	LooksProxy            // RFC 9110, section 9.3.6: HTTP CONNECT
)

var looksNames = [...]string{
	"none", "tls", "dtls", "wireguard", "openvpn", "bittorrent", "ike", "l2tp", "ssh", "socks", "proxy",
}

// String gives the word that policy files use for the protocol.
func (l Looks) String() string {
	if int(l) < len(looksNames) {
		return looksNames[l]
	}
	return "?"
}

// UDPProtocol tells what a flow's first datagram opens. No port is asked: each opening is checked in all fields that
// are fixed, and in its length.
func UDPProtocol(payload []byte) Looks {
	switch {
	case IsDTLS(payload):
		return LooksDTLS
	case IsWireGuard(payload):
		return LooksWireGuard
	case IsOpenVPN(payload):
		return LooksOpenVPN
	case IsIKE(payload):
		return LooksIKE
	case IsL2TP(payload):
		return LooksL2TP
	case isUTP(payload), isDHT(payload), isTracker(payload):
		return LooksBitTorrent
	}
	return LooksNone
}

// TCPProtocol tells what the first segment with payload opens, of either side. The segment must hold the whole of an
// OpenVPN or SOCKS opening, and of the others as much as shows what they are.
func TCPProtocol(payload []byte) Looks {
	switch {
	case IsSSH(payload):
		return LooksSSH
	case bytes.HasPrefix(payload, []byte("\x13BitTorrent protocol")): // BEP 3
		return LooksBitTorrent
	case IsSOCKS(payload):
		return LooksSOCKS
	case IsHTTPProxy(payload):
		return LooksProxy
	case isOpenVPNStream(payload):
		return LooksOpenVPN
	}
	return LooksNone
}

// IsUDPData tells whether a later datagram of a flow that was taken for l carries data, where its handshake has packets of
// other kinds. Protocols of which that cannot be said have no data.
func IsUDPData(l Looks, payload []byte) bool {
	switch l {
	case LooksDTLS:
		return isDTLSData(payload)
	case LooksWireGuard:
		return isWireGuardData(payload)
	case LooksOpenVPN:
		return isOpenVPNData(payload)
	}
	return false
}

// IsTCPData is IsUDPData for segments: whether one begins with a TLS record of application data (which TLS 1.3 also uses for
// the encrypted part of its handshake: RFC 8446, section 5.2) or with an OpenVPN data packet. In a segment that begins
// within a record or packet it is chance.
func IsTCPData(l Looks, payload []byte) bool {
	const applicationData = 23
	switch l {
	case LooksTLS:
		return IsTLSRecord(payload) && payload[0] == applicationData
	case LooksOpenVPN:
		return isOpenVPNStreamData(payload)
	}
	return false
}

// IsSSH says whether a payload begins with an identification of either side (RFC 4253, sections 4.2 and 5.1).
func IsSSH(payload []byte) bool {
	return bytes.HasPrefix(payload, []byte("SSH-2.0-")) || bytes.HasPrefix(payload, []byte("SSH-1."))
}

// IsWireGuard says whether a payload is the first message of a handshake: type 1, three reserved bytes of 0, 148 bytes in
// all (wireguard.com/protocol; spec B25).
func IsWireGuard(payload []byte) bool {
	return len(payload) == 148 && binary.LittleEndian.Uint32(payload) == 1
}

// isWireGuardData: type 4, receiver, counter, and a multiple of 16 bytes with a tag of 16.
func isWireGuardData(payload []byte) bool {
	return len(payload) >= 32 && len(payload)%16 == 0 && binary.LittleEndian.Uint32(payload) == 4
}
