package packet

import "encoding/binary"

// Unfinished tells whether the checksum of a whole TCP or UDP packet is the sum of its pseudo header alone, which is what a capture
// shows on a machine whose network card finishes checksums. The length in it may be missing, as with large packets that the card is
// to cut. Valid after a nil error of Decode.
func (p *Packet) Unfinished() bool {
	field := p.checksumField()
	if field == nil || p.Cut() || p.Fragment || !p.HasTransport {
		return false
	}
	found := binary.BigEndian.Uint16(field)
	return found == fold(p.pseudo(len(p.Data)-p.Transport)) || found == fold(p.pseudo(0))
}

// Seal makes the checksums of the IPv4 header and of a whole TCP or UDP packet right, in place; of one that is cut, that of the IPv4
// header alone. Valid after a nil error of Decode.
func (p *Packet) Seal() {
	if p.Version == 4 {
		p.sealIPv4()
	}
	if p.Fragment || p.Cut() || !p.HasTransport {
		return
	}
	whole := p.Data
	at := tcpChecksum
	if p.Protocol == UDP {
		at = udpChecksum
		p.Data = p.Data[:p.Transport+udpLen+len(p.Payload)]
	}
	p.sealTransport(at)
	p.Data = whole
}
