package matrix

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"time"

	"github.com/google/gopacket/pcapgo"

	"dpilab/dpi"
	"dpilab/dpi/packet"
)

// seen is an IP packet at one end of a link. It keeps its bytes.
type seen struct {
	packet.Packet
	at time.Time
	up bool // away from the client's side of the box
}

// readSeen reads what a capture has of an interface, "node/link".
func readSeen(file, face string, inside map[netip.Addr]bool) ([]*seen, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := pcapgo.NewNgReader(f, pcapgo.DefaultNgReaderOptions)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	var all []*seen
	for {
		data, about, err := r.ReadPacketData()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		if is, err := r.Interface(about.InterfaceIndex); err != nil || is.Name != face {
			continue
		}
		if s := newSeen(about.Timestamp, data, inside); s != nil {
			all = append(all, s)
		}
	}
}

const (
	etherHeader = 14
	etherIPv4   = 0x0800
	etherIPv6   = 0x86dd
)

// newSeen decodes an Ethernet frame; nil when it carries no IP packet, or one with broken IP headers.
func newSeen(at time.Time, frame []byte, inside map[netip.Addr]bool) *seen {
	if len(frame) < etherHeader {
		return nil
	}
	if kind := binary.BigEndian.Uint16(frame[12:]); kind != etherIPv4 && kind != etherIPv6 {
		return nil
	}
	s := &seen{at: at}
	if err := s.Decode(frame[etherHeader:]); err != nil && !errors.Is(err, packet.ErrTransport) {
		return nil
	}
	s.up = !inside[s.dst()]
	return s
}

func (s *seen) src() netip.Addr { return packet.AddrOf(s.Src) }
func (s *seen) dst() netip.Addr { return packet.AddrOf(s.Dst) }

// flow names the packet's flow as the box's events do.
func (s *seen) flow() dpi.FlowID {
	from, to := netip.AddrPortFrom(s.src(), s.SrcPort), netip.AddrPortFrom(s.dst(), s.DstPort)
	if !s.up {
		from, to = to, from
	}
	return dpi.FlowID{Transport: s.Protocol, Inside: from, Outside: to}
}

// tcp tells whether TCP's fields can be read.
func (s *seen) tcp() bool { return s.HasTransport && s.Protocol == packet.TCP }

// opens tells whether the packet is the first of a TCP connection.
func (s *seen) opens() bool { return s.tcp() && s.Flags&(packet.SYN|packet.ACK) == packet.SYN }
