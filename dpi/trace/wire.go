package trace

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"dpilab/dpi/trace/craft"
)

// wire makes the bytes of one segment, and its fragments.
func (b *builder) wire(d *packets, f *flow, s segment) ([][]byte, error) {
	me := &f.side[d.from]
	ip, fragmented := b.header(d, f, me)
	data, err := b.transport(d, f, me, ip, s)
	if err != nil {
		return nil, err
	}
	if !fragmented {
		return [][]byte{data}, nil
	}
	return d.cutIP(data, ip.ID)
}

func (b *builder) header(d *packets, f *flow, me *side) (ip craft.IP, fragmented bool) {
	fragmented = d.fragments > 0 || d.fragmentAt != nil || d.stretch != nil
	ip = craft.IP{Src: f.ends[d.from].Addr(), Dst: f.ends[d.from.Other()].Addr(), TTL: 64, DontFragment: !fragmented}
	if d.src.Addr().IsValid() {
		ip.Src = d.src.Addr()
	}
	if d.dst.Addr().IsValid() {
		ip.Dst = d.dst.Addr()
	}
	if len(d.ttls) > 0 {
		ip.TTL = d.ttls[0]
	}
	single := d.fragment > 0 || d.stretch != nil
	switch {
	case d.id >= 0:
		ip.ID = uint16(d.id)
	case single && me.part.id != 0:
		ip.ID = me.part.id
	default:
		if b.ids[d.from]++; b.ids[d.from] == 0 {
			b.ids[d.from] = 1
		}
		ip.ID = b.ids[d.from]
	}
	if single {
		me.part.id = ip.ID
	}
	return ip, fragmented
}

func (b *builder) transport(d *packets, f *flow, me *side, ip craft.IP, s segment) (data []byte, err error) {
	src, dst := f.ends[d.from].Port(), f.ends[d.from.Other()].Port()
	if p := d.src.Port(); p != 0 {
		src = p
	}
	if p := d.dst.Port(); p != 0 {
		dst = p
	}
	switch {
	case f.transport == transportICMP:
		echo := craft.Echo{ID: f.dns, Seq: uint16(b.tick)}
		if len(s.payload) > 0 {
			echo.Reply, echo.Payload = s.payload[0] != 0, s.payload[1:]
		}
		data = echo.Packet(ip)
	case f.transport == transportUDP:
		data = craft.UDP{SrcPort: src, DstPort: dst, Payload: s.payload, BadChecksum: d.badChecksum}.Packet(ip)
	default:
		data = craft.TCP{
			SrcPort: src, DstPort: dst, Seq: s.seq, Ack: d.acknowledged(f, s.flags), Flags: s.flags, Window: d.windowOf(),
			Options: b.tcpOptions(d, f, me), Payload: s.payload, BadChecksum: d.badChecksum,
		}.Packet(ip)
	}
	if data == nil {
		return nil, fmt.Errorf("the packet is too long, or has too many options")
	}
	return data, nil
}

func (d *packets) windowOf() uint16 {
	if d.window >= 0 {
		return uint16(d.window)
	}
	return 65535
}

func (d *packets) acknowledged(f *flow, flags uint8) uint32 {
	other := &f.side[d.from.Other()]
	next := other.next
	if other.part.len > 0 {
		next = other.part.base + uint32(other.part.len)
	}
	switch d.ack.mode {
	case 'r':
		return other.first + uint32(d.ack.value)
	case '+':
		return next + uint32(d.ack.value)
	case '=':
		return uint32(d.ack.value)
	}
	if flags&flagACK == 0 {
		return 0
	}
	return next
}

// tcpOptions writes them in the order of Linux; MD5 first, which leaves no room for more than timestamps.
func (b *builder) tcpOptions(d *packets, f *flow, me *side) (o []byte) {
	if d.mss >= 0 {
		o = binary.BigEndian.AppendUint16(append(o, 2, 4), uint16(d.mss))
	}
	if d.sack {
		o = append(o, 4, 2)
	}
	if d.md5 {
		o = append(append(o, 19, 18), craft.Random(b.source(f, "md5", b.tick), 16)...)
	}
	now := me.ts + uint32((b.now-me.tsAt)/time.Millisecond)
	stamp := me.hasTS
	if d.timestamp != nil {
		stamp = true
		if n := uint32(d.timestamp.value); d.timestamp.mode == '+' {
			now += n
		} else {
			now = n
		}
		if !d.fake {
			me.ts, me.tsAt, me.hasTS = now, b.now, true
		}
	}
	if stamp {
		o = binary.BigEndian.AppendUint32(append(o, 8, 10), now)
		echo := uint32(0)
		if other := &f.side[d.from.Other()]; other.hasTS {
			echo = other.ts
		}
		o = binary.BigEndian.AppendUint32(o, echo)
	}
	if d.wscale >= 0 {
		o = append(o, 3, 3, byte(d.wscale))
	}
	for len(o)%4 != 0 {
		o = append(o, 1)
	}
	return o
}

// cutIP cuts a packet into the fragments that are asked for.
func (d *packets) cutIP(data []byte, id uint16) ([][]byte, error) {
	n := len(craft.Body(data))
	cuts := slices.Clone(d.fragmentAt)
	for i := 1; i < d.fragments; i++ {
		cuts = append(cuts, n*i/d.fragments/8*8)
	}
	cuts = append([]int{0}, append(cuts, n)...)
	if d.stretch != nil {
		cuts = []int{d.stretch[0], d.stretch[1]}
		if cuts[1] < 0 {
			cuts[1] = n
		}
	}
	var all [][]byte
	for i := range len(cuts) - 1 {
		from, to := cuts[i], cuts[i+1]
		if from >= to || to > n {
			return nil, fmt.Errorf("a packet with %d bytes behind its IP header cannot be cut like this", n)
		}
		ttl := uint8(64)
		if len(d.ttls) > 0 {
			ttl = d.ttls[min(i, len(d.ttls)-1)]
		}
		all = append(all, craft.Fragment(data, from, to, ttl, id))
	}
	if d.fragment > 0 {
		return all[d.fragment-1 : d.fragment], nil
	}
	return arrange(d, all), nil
}
