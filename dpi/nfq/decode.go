package nfq

import (
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"
)

// errMessage is what a message whose lengths do not fit is answered with.
var errMessage = errors.New("nfq: malformed netlink message")

// message is one netlink message within a datagram.
type message struct {
	typ  uint16
	body []byte // after the netlink header
}

// next cuts the first message off b. It returns errMessage when the lengths do not fit, and then nothing of b is to
// be used.
func next(b []byte) (m message, rest []byte, err error) {
	if len(b) < unix.SizeofNlMsghdr {
		return m, nil, errMessage
	}
	n := uint64(binary.NativeEndian.Uint32(b))
	if n < unix.SizeofNlMsghdr || n > uint64(len(b)) {
		return m, nil, errMessage
	}
	m = message{typ: binary.NativeEndian.Uint16(b[4:]), body: b[unix.SizeofNlMsghdr:n]}
	if aligned := (n + 3) &^ 3; aligned < uint64(len(b)) {
		rest = b[aligned:]
	}
	return m, rest, nil
}

// errno reads the body of an NLMSG_ERROR message: 0 is an acknowledgement.
func errno(body []byte) (unix.Errno, error) {
	if len(body) < 4 {
		return 0, errMessage
	}
	return unix.Errno(-int32(binary.NativeEndian.Uint32(body))), nil
}

// decode reads the body of a packet message. The packet's Data points into body. After an error the ID is right when
// it is not 0 (the kernel counts from 1), so that the packet can still be decided.
func (p *Packet) decode(body []byte) error {
	*p = Packet{}
	if len(body) < 4 {
		return errMessage
	}
	for b := body[4:]; len(b) > 0; {
		if len(b) < attrHeader {
			return errMessage
		}
		n := int(binary.NativeEndian.Uint16(b))
		if n < attrHeader || n > len(b) {
			return errMessage
		}
		if !p.attribute(binary.NativeEndian.Uint16(b[2:])&^(unix.NLA_F_NESTED|unix.NLA_F_NET_BYTEORDER), b[attrHeader:n:n]) {
			return errMessage
		}
		b = b[min((n+3)&^3, len(b)):]
	}
	if p.ID == 0 {
		return errMessage
	}
	if p.Length == 0 { // the kernel says it only of a packet that was cut
		p.Length = uint32(len(p.Data))
	}
	return nil
}

// attribute takes one attribute in; false means that it is too short for its type.
func (p *Packet) attribute(typ uint16, d []byte) bool {
	var to *uint32
	switch typ {
	case attrPayload:
		p.Data = d
		return true
	case attrHardware:
		return p.hardware(d)
	case attrPacketHeader:
		to = &p.ID
	case attrIn:
		to = &p.In
	case attrOut:
		to = &p.Out
	case attrPhysIn:
		to = &p.PhysIn
	case attrPhysOut:
		to = &p.PhysOut
	case attrLength:
		to = &p.Length
	default:
		return true
	}
	if len(d) < 4 {
		return false
	}
	*to = binary.BigEndian.Uint32(d)
	return true
}

// hardware reads struct nfqnl_msg_packet_hw: length, padding, 8 bytes of address.
func (p *Packet) hardware(d []byte) bool {
	if len(d) < 4 {
		return false
	}
	n := int(binary.BigEndian.Uint16(d))
	if n > len(d)-4 {
		return false
	}
	if n == len(p.MAC) {
		p.HasMAC = true
		copy(p.MAC[:], d[4:])
	}
	return true
}
