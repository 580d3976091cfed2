package matrix

import (
	"bytes"
	"time"

	"dpilab/dpi"
	"dpilab/dpi/packet"
)

// crossing is a packet on its way through the box. Ends have segmentation offload: one packet before the box can be several behind it.
type crossing struct {
	*seen
	out     bool // it, or a part of it, came out behind the box unchanged
	changed bool // it came out otherwise than it went in
	sent    bool // it did not go in: the box made it
	bytes   int  // of its payload that came out
	rule    string
}

// dropped tells whether it went in and nothing of it came out, or not all.
func (c *crossing) dropped() bool {
	return !c.sent && !c.changed && (!c.out || c.bytes < len(c.Payload))
}

// slack is how much earlier a packet may be seen behind the box than before it, by two sockets' timestamps.
const slack = time.Millisecond

// pair finds for each packet behind the box the one before it that it was, among those of the same flow and direction, both in the order of
// time: of several alike, which are sent again, the last one before it. Those that the box sent of its own are added.
func pair(before, behind []*seen, events []dpi.Event) []*crossing {
	all := make([]*crossing, len(before))
	for i, s := range before {
		all[i] = &crossing{seen: s}
	}
	var own []*crossing
	for _, d := range behind {
		if cover(all, d) {
			continue
		}
		if c := changedInto(all, d, events); c != nil {
			c.changed = true
			continue
		}
		own = append(own, &crossing{seen: d, sent: true})
	}
	return append(all, own...)
}

// cover takes a packet behind the box for those before it that it is, or is a piece of, or is made of.
func cover(all []*crossing, d *seen) bool {
	found := false
	rest := len(d.Payload)
	for i := len(all) - 1; i >= 0; i-- {
		c := all[i]
		if c.at.After(d.at.Add(slack)) {
			continue
		}
		n, same := overlap(c.seen, d)
		if !same || c.out && c.bytes >= len(c.Payload) {
			continue
		}
		c.out, found = true, true
		c.bytes += n
		if rest -= n; rest <= 0 {
			return true
		}
	}
	return found
}

// overlap tells whether two packets have the same bytes where they meet, and how many of payload.
func overlap(a, b *seen) (n int, same bool) {
	if a.tcp() != b.tcp() || a.Fragment != b.Fragment || a.FragOffset != b.FragOffset {
		return 0, false
	}
	if !a.tcp() {
		return len(a.Payload), bytes.Equal(a.Payload, b.Payload)
	}
	const marks = packet.SYN | packet.RST
	if a.Flags&marks != b.Flags&marks || (len(a.Payload) == 0) != (len(b.Payload) == 0) {
		return 0, false
	}
	if len(a.Payload) == 0 {
		return 0, a.Seq == b.Seq && a.Ack == b.Ack && a.Flags == b.Flags
	}
	from := int(int32(b.Seq - a.Seq)) // where b begins in a
	low, high := max(from, 0), min(from+len(b.Payload), len(a.Payload))
	if low >= high {
		return 0, false
	}
	return high - low, bytes.Equal(a.Payload[low:high], b.Payload[low-from:high-from])
}

// changedInto finds the packet before the box that came out as d, when an event says that the box changed one of that time.
func changedInto(all []*crossing, d *seen, events []dpi.Event) *crossing {
	if !hasKind(events, dpi.EventRewrite) {
		return nil
	}
	for i := len(all) - 1; i >= 0; i-- {
		c := all[i]
		if c.out || c.at.After(d.at.Add(slack)) || c.tcp() != d.tcp() {
			continue
		}
		if !d.tcp() {
			if !c.changed {
				return c
			}
			continue
		}
		// A large segment is several at the box, and each of them is changed.
		if at := int32(d.Seq - c.Seq); at == 0 && !c.changed || at > 0 && int(at) < len(c.Payload) {
			return c
		}
	}
	return nil
}

func hasKind(events []dpi.Event, k dpi.EventKind) bool {
	for _, e := range events {
		if e.Kind == k {
			return true
		}
	}
	return false
}
