package craft

import (
	"encoding/binary"
	"math/rand/v2"
)

// WireGuard gives a message of wireguard.com/protocol by its type: 1 initiation (148 bytes), 2 response (92), 3 cookie reply (64), 4 transport
// data with n bytes of content, padded to a multiple of 16; n 0 is a keepalive.
func WireGuard(r *rand.Rand, kind byte, n int) []byte {
	size := map[byte]int{1: 148, 2: 92, 3: 64, 4: 32 + (n+15)/16*16}[kind]
	b := Random(r, size)
	binary.LittleEndian.PutUint32(b, uint32(kind))
	if kind == 4 {
		binary.LittleEndian.PutUint64(b[8:], uint64(r.IntN(1000)))
	}
	return b
}

// The operations of OpenVPN (draft-schwabe-openvpn-wire-protocol).
const (
	openVPNControl     = 4
	openVPNAck         = 5
	openVPNDataV1      = 6
	openVPNReset       = 7
	openVPNServerReset = 8
	openVPNDataV2      = 9
	openVPNResetV3     = 10
)

// OpenVPN gives a packet as a datagram carries it: "reset", "reset tls-auth", "reset tls-crypt", "reset v3", "server-reset", "ack",
// "control", "data" and "data-v1" with n bytes of content; nil for other words.
func OpenVPN(r *rand.Rand, what string, n int) []byte {
	early := []byte{0, 0, 0, 1, 0x68, byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())} // packet id, time
	start := func(operation byte) []byte { return append([]byte{operation << 3}, Random(r, 8)...) }
	switch what {
	case "reset":
		return append(start(openVPNReset), 0, 0, 0, 0, 0)
	case "reset tls-auth":
		b := append(start(openVPNReset), Random(r, 20)...)
		return append(append(b, early...), 0, 0, 0, 0, 0)
	case "reset tls-crypt":
		b := append(start(openVPNReset), early...)
		return append(b, Random(r, 32+5)...)
	case "reset v3":
		b := append(start(openVPNResetV3), early...)
		b = append(b, Random(r, 32+5)...)
		wrapped := Random(r, 290)
		binary.BigEndian.PutUint16(wrapped[288:], 290)
		return append(b, wrapped...)
	case "server-reset":
		b := append(start(openVPNServerReset), 1, 0, 0, 0, 0)
		return append(append(b, Random(r, 8)...), 0, 0, 0, 0)
	case "ack":
		b := append(start(openVPNAck), 1, 0, 0, 0, byte(r.IntN(8)))
		return append(b, Random(r, 8)...)
	case "control":
		b := append(start(openVPNControl), 0, 0, 0, 0, byte(1+r.IntN(8)))
		return append(b, Random(r, n)...)
	case "data":
		return append([]byte{openVPNDataV2 << 3, 0, 0, 0}, Random(r, n)...)
	case "data-v1":
		return append([]byte{openVPNDataV1 << 3}, Random(r, n)...)
	}
	return nil
}

// Framed puts a length of two bytes before a packet, as OpenVPN and DNS do over TCP.
func Framed(b []byte) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...) }

// IKE is the first message of an exchange: IKE_SA_INIT (RFC 7296), or main mode of version 1 (RFC 2408). nat puts the marker of port
// 4500 before it (RFC 3948).
func IKE(r *rand.Rand, v1, nat bool) []byte {
	next, version, exchange, flags := byte(33), byte(2<<4), byte(34), byte(8)
	if v1 {
		next, version, exchange, flags = 1, 1<<4, 2, 0
	}
	content := append([]byte{0, 0, 0, 200}, Random(r, 196)...)
	b := append(Random(r, 8), make([]byte, 8)...)
	b = append(b, next, version, exchange, flags, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(28+len(content)))
	b = append(b, content...)
	if nat {
		b = append(make([]byte, 4), b...)
	}
	return b
}

// L2TP is a Start-Control-Connection-Request (RFC 2661).
func L2TP(r *rand.Rand) []byte {
	avps := []byte{
		0x80, 8, 0, 0, 0, 0, 0, 1, // message type
		0x80, 8, 0, 0, 0, 2, 1, 0, // protocol version
		0x80, 10, 0, 0, 0, 3, 0, 0, 0, 3, // framing
		0x80, 9, 0, 0, 0, 7, 'l', 'a', 'c', // host name
		0x80, 8, 0, 0, 0, 9, byte(r.Uint32()), byte(r.Uint32()), // tunnel id
	}
	b := binary.BigEndian.AppendUint16([]byte{0xc8, 2}, uint16(12+len(avps)))
	return append(append(b, make([]byte, 8)...), avps...)
}

// STUN gives a message of RFC 8489: "binding", "answer", "indication"; or "data": ChannelData of RFC 8656 with n bytes. nil for other words.
func STUN(r *rand.Rand, what string, n int) []byte {
	kind := map[string]uint16{"binding": 1, "answer": 0x101, "indication": 0x11}[what]
	if what == "data" {
		b := binary.BigEndian.AppendUint16([]byte{0x40, 0}, uint16(n))
		return append(b, Random(r, n)...)
	}
	if kind == 0 {
		return nil
	}
	attribute := []byte{0x80, 0x22, 0, 4, 'd', 'l', 'a', 'b'} // SOFTWARE
	if what == "answer" {
		attribute = append([]byte{0, 0x20, 0, 8, 0, 1}, Random(r, 6)...) // XOR-MAPPED-ADDRESS
	}
	b := binary.BigEndian.AppendUint16(nil, kind)
	b = binary.BigEndian.AppendUint16(b, uint16(len(attribute)))
	b = append(append(b, 0x21, 0x12, 0xa4, 0x42), Random(r, 12)...)
	return append(b, attribute...)
}

// BitTorrent gives an opening: "handshake" of peers over TCP (BEP 3), "utp" (BEP 29), "dht" (BEP 5), "tracker" (BEP 15); nil for other words.
func BitTorrent(r *rand.Rand, what string) []byte {
	switch what {
	case "handshake":
		return append([]byte("\x13BitTorrent protocol\x00\x00\x00\x00\x00\x10\x00\x05"), Random(r, 40)...)
	case "utp":
		b := append([]byte{0x41, 0}, Random(r, 6)...)
		b = append(b, 0, 0, 0, 0, 0, 4, 0, 0)
		return append(append(b, Random(r, 2)...), 0, 0)
	case "dht":
		b := append([]byte("d1:ad2:id20:"), Random(r, 20)...)
		return append(b, "e1:q4:ping1:t2:aa1:y1:qe"...)
	case "tracker":
		return append([]byte{0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80, 0, 0, 0, 0}, Random(r, 4)...)
	}
	return nil
}

// WhatsApp is the opening of its chat: WA, two version bytes, and a Noise handshake in a frame of three length bytes.
func WhatsApp(r *rand.Rand) []byte {
	return append([]byte("WA\x06\x03\x00\x00\x24\x12\x22\x0a\x20"), Random(r, 32)...)
}
