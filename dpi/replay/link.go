package replay

import (
	"encoding/binary"
	"fmt"
)

// The link types that are understood (https://www.tcpdump.org/linktypes.html).
const (
	linkNull     = 0
	linkEthernet = 1
	linkPPP      = 9
	linkRawBSD   = 12 // DLT_RAW of most systems
	linkRawOpen  = 14 // DLT_RAW of OpenBSD
	linkRaw      = 101
	linkLoop     = 108
	linkSLL      = 113
	linkIPv4     = 228
	linkIPv6     = 229
	linkSLL2     = 276
)

// The EtherTypes that lead on.
const (
	etherIPv4  = 0x0800
	etherIPv6  = 0x86dd
	etherVLAN  = 0x8100
	etherQinQ  = 0x88a8
	etherQinQ2 = 0x9100
	etherPPPoE = 0x8864
)

const maxTags = 4

// LinkError is a capture of which no packet can be read, since its frames are of a kind that is not understood.
type LinkError struct{ Link uint32 }

func (e *LinkError) Error() string {
	return fmt.Sprintf("frames are of link type %d (see tcpdump.org/linktypes.html): Ethernet, Linux cooked, raw IP, PPP and BSD loopback are understood; capture on such an interface, or convert", e.Link)
}

func understood(link uint32) bool {
	switch link {
	case linkNull, linkEthernet, linkPPP, linkRawBSD, linkRawOpen, linkRaw, linkLoop, linkSLL, linkIPv4, linkIPv6, linkSLL2:
		return true
	}
	return false
}

// above finds the IP packet in a frame; at is negative when there is none. pppoe is where a PPPoE header is, 0 when there is none.
func above(link uint32, b []byte) (at, pppoe int) {
	switch link {
	case linkEthernet:
		return ether(b, 12)
	case linkSLL:
		return ether(b, 14)
	case linkSLL2:
		if len(b) < 20 {
			return -1, 0
		}
		if kind := binary.BigEndian.Uint16(b); kind == etherIPv4 || kind == etherIPv6 {
			return ip(b, 20), 0
		}
		return -1, 0
	case linkNull, linkLoop:
		return ip(b, 4), 0
	case linkPPP:
		return ppp(b, 0), 0
	case linkRawBSD, linkRawOpen, linkRaw, linkIPv4, linkIPv6:
		return ip(b, 0), 0
	}
	return -1, 0
}

// ether follows the EtherType at that place, through VLAN tags and PPPoE.
func ether(b []byte, at int) (ipAt, pppoe int) {
	for range maxTags + 1 {
		if len(b) < at+2 {
			return -1, 0
		}
		switch binary.BigEndian.Uint16(b[at:]) {
		case etherIPv4, etherIPv6:
			return ip(b, at+2), 0
		case etherVLAN, etherQinQ, etherQinQ2:
			at += 4
		case etherPPPoE:
			return ppp(b, at+8), at + 2
		default:
			return -1, 0
		}
	}
	return -1, 0
}

// ppp follows a PPP header (RFC 1661, section 2; RFC 1662 for address and control).
func ppp(b []byte, at int) int {
	if len(b) >= at+2 && b[at] == 0xff && b[at+1] == 3 {
		at += 2
	}
	if len(b) < at+2 {
		return -1
	}
	switch {
	case b[at] == 0x21 || b[at] == 0x57: // compressed
		return ip(b, at+1)
	case b[at] == 0 && (b[at+1] == 0x21 || b[at+1] == 0x57):
		return ip(b, at+2)
	}
	return -1
}

// ip tells whether what is there can be IP; all else is for others to read.
func ip(b []byte, at int) int {
	if len(b) <= at || b[at]>>4 != 4 && b[at]>>4 != 6 {
		return -1
	}
	return at
}

// appendFrame appends an IP packet under the link header of another one.
func appendFrame(dst []byte, link uint32, header, data []byte) []byte {
	start := len(dst)
	dst = append(append(dst, header...), data...)
	if _, at := above(link, dst[start:]); at > 0 {
		binary.BigEndian.PutUint16(dst[start+at+4:], uint16(len(dst)-start-at-6))
	}
	return dst
}

// turned gives the link header of an answer: Ethernet addresses changed round, the way of a cooked packet turned. header stays as it is.
func turned(link uint32, header []byte) []byte {
	h := append([]byte(nil), header...)
	switch link {
	case linkEthernet:
		copy(h, header[6:12])
		copy(h[6:], header[:6])
	case linkSLL: // 0 is a packet to us, 4 one of ours
		binary.BigEndian.PutUint16(h, turnedType(binary.BigEndian.Uint16(h)))
	case linkSLL2:
		h[10] = byte(turnedType(uint16(h[10])))
	}
	return h
}

func turnedType(t uint16) uint16 {
	if t == 4 {
		return 0
	}
	return 4
}
