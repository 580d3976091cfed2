package trace

import (
	"bytes"
	"slices"

	"dpilab/dpi/packet"
)

// arriving gives the packet as it comes out when only hops touched it, and whether it ends at one of them.
func arriving(data []byte, hops int) (want []byte, dies bool) {
	want = slices.Clone(data)
	ttl := ttlOf(data)
	if int(ttl) <= hops {
		return want, true
	}
	if hops > 0 {
		packet.SetTTL(want, ttl-uint8(hops))
	}
	return want, false
}

func ttlOf(data []byte) uint8 {
	if data[0]>>4 == 6 {
		return data[7]
	}
	return data[8]
}

// sort finds out which packets came out, and puts them where they belong: to those that this line sent, to those that were held, or
// to those that nobody sent. An unchanged packet is known by its bytes; a changed one by its IP-ID or, in IPv6, by its place
// in the stream or its payload.
func (r *runner) sort(h *happening, all []Output) {
	var strange []Output
	for _, o := range all {
		if !r.settle(h, o, func(s *sent) bool { return sameButTTL(s.want, o.Data) }) {
			strange = append(strange, o)
		}
	}
	for _, o := range strange {
		switch {
		case r.settle(h, o, func(s *sent) bool { return changedFrom(s.data, o.Data) }):
		case o.At == h.from:
			h.back = append(h.back, o.Data)
		default:
			h.extra = append(h.extra, o.Data)
		}
	}
}

// settle gives the output to the oldest packet that it is.
func (r *runner) settle(h *happening, o Output, is func(*sent) bool) bool {
	for i, s := range r.pending {
		if s.from == o.At || !is(s) {
			continue
		}
		s.out = o.Data
		r.pending = slices.Delete(r.pending, i, i+1)
		if !slices.Contains(h.sent, s) {
			h.released = append(h.released, s)
		}
		return true
	}
	return false
}

// sameButTTL compares all but the TTL, and the IPv4 header's checksum that covers it.
func sameButTTL(want, got []byte) bool {
	if len(want) != len(got) || want[0]>>4 != got[0]>>4 {
		return false
	}
	if want[0]>>4 == 6 {
		return bytes.Equal(want[:7], got[:7]) && bytes.Equal(want[8:], got[8:])
	}
	return bytes.Equal(want[:8], got[:8]) && want[9] == got[9] && bytes.Equal(want[12:], got[12:])
}

func changedFrom(data, got []byte) bool {
	var a, b packet.Packet
	if decode(&a, data) != nil || decode(&b, got) != nil || a.Version != b.Version || a.Protocol != b.Protocol {
		return false
	}
	if a.FragOffset != b.FragOffset || a.Src != b.Src && a.Dst != b.Dst && a.SrcPort != b.SrcPort {
		return false
	}
	if a.Version == 4 && a.IPID != 0 {
		return a.IPID == b.IPID
	}
	if a.SrcPort != b.SrcPort || a.DstPort != b.DstPort {
		return false
	}
	if a.Protocol == packet.TCP {
		return a.Seq == b.Seq
	}
	return bytes.Equal(a.Payload, b.Payload)
}

// decode reads a packet whose transport may be broken.
func decode(p *packet.Packet, data []byte) error {
	err := p.Decode(data)
	if err == packet.ErrTransport {
		return nil
	}
	return err
}
