package trace

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"dpilab/dpi/trace/craft"
)

// flow is one 5-tuple as its two ends remember it.
type flow struct {
	index     int // in the order in which flows were opened
	opened    int // connections on it
	ends      [2]netip.AddrPort
	transport uint8
	side      [2]side
	dns       uint16
}

// side is one end of a flow.
type side struct {
	first uint32 // its initial sequence number
	next  uint32
	ts    uint32        // the last timestamp
	tsAt  time.Duration // when
	hasTS bool
	part  part
	last  []segment // of the last event, for again
}

// part is a payload that is sent in pieces by lines of their own.
type part struct {
	words string
	base  uint32
	len   int
	id    uint16
}

// segment is a packet's place and content, before it becomes bytes.
type segment struct {
	seq     uint32
	payload []byte
	flags   uint8
}

// builder turns lines into packets.
type builder struct {
	seed uint64
	now  time.Duration
	tick int       // events built
	ids  [2]uint16 // the last IP-ID of each end, over all flows
}

// source gives random numbers that depend on the words only, so that parts of one payload fit together; n tells payloads apart.
func (b *builder) source(f *flow, words string, n int) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s/%d/%d/%d", words, f.index, f.opened, n)
	return rand.New(rand.NewPCG(b.seed, h.Sum64()))
}

// packets builds what a line sends. Each inner slice is sent at a time of its own.
func (b *builder) packets(d *packets, f *flow) ([][]byte, error) {
	b.tick++
	if d.transport != 0 && d.transport != f.transport {
		if f.transport == 0 {
			f.transport = d.transport
		} else if f.transport != transportTCP || d.transport == transportICMP {
			return nil, fmt.Errorf("found a packet of another transport than the flow has, expected a new flow before it")
		}
	}
	if f.transport == 0 {
		f.transport = transportTCP
	}
	var out [][]byte
	for i := range d.times {
		segments, err := b.segments(d, f, i)
		if err != nil {
			return nil, err
		}
		for _, s := range segments {
			all, err := b.wire(d, f, s)
			if err != nil {
				return nil, err
			}
			out = append(out, all...)
		}
	}
	return out, nil
}

// segments makes the payloads of one round, cut and in order, and moves the stream.
func (b *builder) segments(d *packets, f *flow, round int) ([]segment, error) {
	me := &f.side[d.from]
	if d.again {
		if len(me.last) == 0 {
			return nil, fmt.Errorf("found again, expected a packet of this side before it")
		}
		return d.arranged(me.last), nil
	}
	parted := d.part != nil || d.fragment > 0 || d.stretch != nil
	salt := b.tick<<16 + round
	if parted {
		salt = 0
	}
	c, err := b.content(d, f, salt)
	if err != nil {
		return nil, err
	}
	flags := uint8(flagACK)
	if len(c.bytes) > 0 {
		flags |= flagPSH
	}
	if d.flags >= 0 {
		flags = uint8(d.flags)
	}
	base := b.base(d, me, c, flags, parted)
	var all []segment
	switch {
	case d.part != nil:
		all = []segment{b.partOf(d, c, base, flags)}
	default:
		all = d.cut(c, base, flags)
	}
	for _, more := range c.rest {
		all = append(all, segment{payload: more})
	}
	me.last = all
	return d.arranged(all), nil
}

// base says where the payload begins in the stream, and moves what comes next.
func (b *builder) base(d *packets, me *side, c content, flags uint8, parted bool) uint32 {
	length := uint32(len(c.bytes))
	if flags&flagSYN != 0 {
		length++
	}
	if flags&flagFIN != 0 {
		length++
	}
	if parted && d.seq.mode == 0 && !d.fake {
		if me.part.words != d.words || me.part.len != len(c.bytes) {
			me.leavePart()
			me.part = part{words: d.words, base: me.next, len: len(c.bytes)}
		}
		return me.part.base
	}
	if length > 0 {
		me.leavePart()
	}
	base := me.next
	if flags&flagSYN != 0 && d.seq.mode == 0 {
		base = me.first
	}
	switch d.seq.mode {
	case 'r':
		base = me.first + uint32(d.seq.value)
	case '+':
		base = me.next + uint32(d.seq.value)
	case '=':
		base = uint32(d.seq.value)
	}
	end := base + length
	if !d.fake && (d.seq.mode == 0 || int32(end-me.next) > 0) {
		me.next = end
	}
	return base
}

// leavePart goes on behind a payload that was sent in parts.
func (s *side) leavePart() {
	if s.part.len > 0 {
		s.next = s.part.base + uint32(s.part.len)
	}
	s.part = part{}
}

func (b *builder) content(d *packets, f *flow, salt int) (c content, err error) {
	for i, x := range d.payloads {
		made, why := x.build(&building{r: b.source(f, d.words, salt+i<<40), framed: f.transport == transportTCP, id: f.dns})
		if why != "" {
			return c, fmt.Errorf("%s", why)
		}
		if made.name > 0 {
			c.name, c.end = len(c.bytes)+made.name, len(c.bytes)+made.end
		}
		c.bytes = append(c.bytes, made.bytes...)
		c.rest = made.rest
	}
	if len(c.bytes) > 65000 && d.cutMSS == 0 && len(d.cuts) == 0 && d.part == nil {
		return c, fmt.Errorf("the payload has %d bytes, expected at most 65000 in one packet: cut it", len(c.bytes))
	}
	return c, nil
}

func (b *builder) partOf(d *packets, c content, base uint32, flags uint8) segment {
	from, to := d.part[0].in(len(c.bytes), c.name, c.end), d.part[1].in(len(c.bytes), c.name, c.end)
	to = max(from, to)
	payload := slices.Clone(c.bytes[from:to])
	switch d.with {
	case "zeros":
		clear(payload)
	case "random":
		payload = craft.Random(rand.New(rand.NewPCG(b.seed, uint64(b.tick))), len(payload))
	}
	return segment{base + uint32(from), payload, flags}
}

// cut cuts the payload into segments.
func (d *packets) cut(c content, base uint32, flags uint8) []segment {
	n := len(c.bytes)
	var cuts []int
	for _, x := range d.cuts {
		cuts = append(cuts, x.in(n, c.name, c.end))
	}
	for i := d.cutMSS; d.cutMSS > 0 && i < n; i += d.cutMSS {
		cuts = append(cuts, i)
	}
	slices.Sort(cuts)
	var all []segment
	from := 0
	for _, to := range append(cuts, n) {
		if to <= from && n > 0 {
			continue
		}
		start := from
		if from > 0 {
			start = max(from-d.overlap, 0)
		}
		all = append(all, segment{base + uint32(start), c.bytes[start:to], flags})
		from = to
	}
	return all
}

// arranged puts segments in the order that is asked for.
func (d *packets) arranged(all []segment) []segment {
	if d.fragments > 0 || d.fragmentAt != nil {
		return all // order and the like are the fragments'
	}
	return arrange(d, all)
}

func arrange[T any](d *packets, all []T) []T {
	out := slices.Clone(all)
	if d.reversed {
		slices.Reverse(out)
	}
	if d.order != nil {
		out = nil
		for _, i := range d.order {
			if i < len(all) {
				out = append(out, all[i])
			}
		}
	}
	if d.twice {
		var two []T
		for _, x := range out {
			two = append(two, x, x)
		}
		out = two
	}
	return out
}

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
