package trace

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"

	"dpilab/dpi/trace/craft"
)

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
