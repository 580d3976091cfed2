package replay

import (
	"net/netip"

	"dpilab/dpi/packet"
)

// lowPorts are those of servers where a flow is found in midstream.
const lowPorts = 1024

// opening is what a packet that opens a flow tells.
type opening struct {
	up         bool // the packet goes up
	witness    bool // and that is more than a guess
	fromInside bool // the end that opened the flow is inside
}

// side tells which way a packet goes that opens a flow; ok is false for one that does not cross the box. The package's comment has the
// order of the reasons.
func (t *flows) side(p *packet.Packet) (s opening, ok bool) {
	src, dst := packet.AddrOf(p.Src), packet.AddrOf(p.Dst)
	if staysOnLink(src) || staysOnLink(dst) {
		return s, false
	}
	plain := p.HasTransport && !p.Fragment
	answers := plain && p.SrcPort < lowPorts && p.DstPort >= lowPorts
	known := isTCP(p) && p.Flags&(packet.SYN|packet.RST) == packet.SYN
	if known {
		answers = p.Flags&packet.ACK != 0
	}
	if len(t.inside) > 0 {
		up := has(t.inside, src)
		return opening{up, true, up != answers}, up != has(t.inside, dst)
	}
	if known || p.Protocol == packet.UDP && plain && !answers {
		return opening{!answers, known, true}, true
	}
	if s, d := t.openers[p.Src] > 0, t.openers[p.Dst] > 0; s != d {
		return opening{s, false, true}, true
	}
	if s, d := private(src), private(dst); s != d {
		return opening{s, false, true}, true
	}
	return opening{!answers, false, true}, true
}

func has(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// staysOnLink tells whether no router carries a packet with this address.
func staysOnLink(a netip.Addr) bool {
	return a.IsLinkLocalUnicast() || a.IsMulticast() || a == broadcast || a.IsUnspecified()
}

// sharedSpace is that of carriers' NAT (RFC 6598).
var sharedSpace = netip.MustParsePrefix("100.64.0.0/10")

func private(a netip.Addr) bool {
	return a.IsPrivate() || a.IsLoopback() || sharedSpace.Contains(a)
}
