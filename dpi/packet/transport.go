package packet

import "encoding/binary"

// Field offsets and sizes of TCP (RFC 9293, section 3.1), UDP (RFC 768) and ICMP.
const (
	tcpLen       = 20
	tcpOffset    = 12
	tcpFlags     = 13
	tcpChecksum  = 16
	tcpUrgent    = 18
	udpLen       = 8
	udpLength    = 4
	udpChecksum  = 6
	icmpChecksum = 2
)

func (p *Packet) decodeTransport() error {
	above := p.Data[p.Transport:]
	p.Payload, p.PayloadLength = above, p.Length-p.Transport
	if p.FragOffset != 0 {
		return nil
	}
	switch p.Protocol {
	case TCP:
		return p.decodeTCP(above)
	case UDP:
		return p.decodeUDP(above)
	}
	return nil
}

// short is the verdict on a header that the packet cuts off: wrong in a whole packet, legal in a first fragment.
func (p *Packet) short() error {
	if p.MoreFragments {
		return nil
	}
	return ErrTransport
}

func (p *Packet) decodeTCP(b []byte) error {
	if len(b) < tcpLen {
		return p.short()
	}
	header := int(b[tcpOffset]>>4) * 4
	if header < tcpLen {
		return ErrTransport
	}
	if header > p.PayloadLength {
		if err := p.short(); err != nil {
			return err
		}
		header = p.PayloadLength
	}
	p.HasTransport = true
	p.readPorts(b)
	p.Seq = binary.BigEndian.Uint32(b[4:])
	p.Ack = binary.BigEndian.Uint32(b[8:])
	p.Flags = b[tcpFlags]
	p.Window = binary.BigEndian.Uint16(b[14:])
	there := min(header, len(b))
	p.TCPOptions = b[tcpLen:there]
	p.Payload, p.PayloadLength = b[there:], p.PayloadLength-header
	return nil
}

func (p *Packet) decodeUDP(b []byte) error {
	if len(b) < udpLen {
		return p.short()
	}
	length := int(binary.BigEndian.Uint16(b[udpLength:]))
	if length < udpLen {
		return ErrTransport
	}
	if length > p.PayloadLength {
		if err := p.short(); err != nil {
			return err
		}
		length = p.PayloadLength
	}
	p.HasTransport = true
	p.readPorts(b)
	p.Payload, p.PayloadLength = b[udpLen:min(length, len(b))], length-udpLen
	return nil
}

func (p *Packet) readPorts(b []byte) {
	p.SrcPort = binary.BigEndian.Uint16(b)
	p.DstPort = binary.BigEndian.Uint16(b[2:])
}
