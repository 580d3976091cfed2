// Package packet decodes IP packets without allocating, rewrites them in place and builds the few that the box sends
// of its own.
//
// One Packet is decoded into again and again; its slices point into the data it was given. A Packet belongs to one
// goroutine.
package packet

import "errors"

// The protocol numbers that this package knows (IANA, "Assigned Internet Protocol Numbers").
const (
	ICMP   = 1
	TCP    = 6
	UDP    = 17
	ICMPv6 = 58
)

// The TCP flags (RFC 9293, section 3.1).
const (
	FIN = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
)

// The errors of Decode. They are fixed values, so that a flood of broken packets costs no memory.
var (
	// ErrVersion is data that is empty or neither IPv4 nor IPv6.
	ErrVersion = errors.New("packet: neither IPv4 nor IPv6")
	// ErrTruncated is a packet shorter than its headers or its stated length.
	ErrTruncated = errors.New("packet: shorter than its headers say")
	// ErrHeader is an IPv4 header length or total length that cannot be.
	ErrHeader = errors.New("packet: impossible IPv4 header or total length")
	// ErrExtensions is a chain of more than maxExtensions IPv6 extension headers, or a header too short for its type.
	ErrExtensions = errors.New("packet: bad chain of IPv6 extension headers")
	// ErrTransport is a TCP data offset or a UDP length that cannot be, or a transport header that is cut off.
	ErrTransport = errors.New("packet: impossible or cut transport header")
)

// Packet is one decoded IP packet. The zero value is ready for Decode.
//
// After a nil error every field is valid within the limits that its comment names. After ErrTransport the fields of the
// IP layer, down to Transport, are valid, and HasTransport is false. After any other error nothing is.
type Packet struct {
	Data   []byte // the IP packet, no longer than its stated length (Ethernet pads short frames); shares memory with Decode's argument
	Length int    // the stated length, in bytes; more than len(Data) only after DecodeCut

	Version  uint8    // 4 or 6
	TTL      uint8    // TTL or hop limit
	IPID     uint16   // IPv4 only: the identification field; 0 for IPv6
	Protocol uint8    // what follows the IP headers. In a later fragment of IPv6, what the fragment header names
	Src, Dst [16]byte // IPv4 as ::ffff:a.b.c.d

	Fragment      bool   // a part of a packet: MoreFragments is set or FragOffset is not 0. An IPv6 atomic fragment is whole
	MoreFragments bool   // valid always, false for a whole packet
	FragOffset    int    // in bytes; 0 for a whole packet and for a first fragment
	FragID        uint32 // IPv4: as IPID. IPv6: of the fragment header, 0 without one

	Transport int // where the bytes above the IP headers begin in Data; len(Data) when there are none

	// HasTransport says that a whole TCP or UDP header was read: Protocol is TCP or UDP, and the packet is no later
	// fragment and no first fragment too small for the header. The fields below up to TCPOptions are 0 without it.
	HasTransport     bool
	SrcPort, DstPort uint16 // TCP and UDP
	Seq, Ack         uint32 // TCP only
	Flags            uint8  // TCP only: FIN, SYN ...
	Window           uint16 // TCP only, not scaled
	TCPOptions       []byte // TCP only; shorter than the header says in a first fragment, or a cut packet, that ends within them

	// Payload is what TCP or UDP carries; without HasTransport, all that follows the IP headers. Ends with Data, or where
	// the UDP length says.
	Payload       []byte
	PayloadLength int // of it on the wire, in bytes; more than len(Payload) only after DecodeCut

	fragmentHeader int // IPv6: where in Data it is; 0 without one
	pseudoDst      int // IPv6: where in Data the address is that the transport checksum covers as destination
}

// Decode reads data as one IP packet, from the IP header on. It keeps data, which must not change while p is in use,
// except by p's own methods.
func (p *Packet) Decode(data []byte) error { return p.DecodeCut(data, 0) }

// DecodeCut is Decode for data that may be no more than the beginning of a packet whose length is known; a length below len(data)
// counts as len(data). What lies behind the cut is missing from Data, TCPOptions and Payload alone. A cut within the transport header's
// fixed part is ErrTransport, one before that ErrTruncated.
func (p *Packet) DecodeCut(data []byte, length int) error {
	*p = Packet{}
	length = max(length, len(data))
	if len(data) == 0 {
		return ErrVersion
	}
	var err error
	switch data[0] >> 4 {
	case 4:
		err = p.decodeIPv4(data, length)
	case 6:
		err = p.decodeIPv6(data, length)
	default:
		err = ErrVersion
	}
	if err != nil {
		*p = Packet{}
		return err
	}
	return p.decodeTransport()
}

// Cut tells whether bytes of the packet's end are missing.
func (p *Packet) Cut() bool { return p.Length > len(p.Data) }
