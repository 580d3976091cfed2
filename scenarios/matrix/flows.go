package matrix

import (
	"net/netip"
	"slices"
	"time"

	"dpilab/dpi"
	"dpilab/dpi/packet"
	"dpilab/rules"
)

const (
	maxPackets = 60 // of a flow are kept
	firstKept  = 36 // of these, from the beginning: a handshake and the first data
	lastKept   = 8
)

// track is a flow at the box: its packets and the box's events.
type track struct {
	id     dpi.FlowID
	to     dpi.FlowID     // where the box led it, when it changed its address
	in     [2][]*seen     // before the box: up, down
	out    [2][]*seen     // behind it
	events []dpi.Event    // of this flow
	passed [2][]*crossing // up, down; in order of time
}

const (
	up   = 0
	down = 1
)

func (s *seen) way() int {
	if s.up {
		return up
	}
	return down
}

// tracksOf sorts packets by flow, in the order of their first. inside and outside are what the two ends of the box's link have seen.
func tracksOf(inside, outside []*seen, events []dpi.Event) []*track {
	byID := map[dpi.FlowID]*track{}
	var all []*track
	of := func(id dpi.FlowID) *track {
		t := byID[id]
		if t == nil {
			t = &track{id: id}
			byID[id] = t
			all = append(all, t)
		}
		return t
	}
	type end struct {
		*seen
		inside bool
	}
	var ends []end
	for _, s := range inside {
		ends = append(ends, end{s, true})
	}
	for _, s := range outside {
		ends = append(ends, end{s, false})
	}
	slices.SortStableFunc(ends, func(a, b end) int { return a.at.Compare(b.at) })
	for _, e := range ends {
		t := of(e.flow())
		if e.inside == e.up { // what goes up meets the inside end first
			t.in[e.way()] = append(t.in[e.way()], e.seen)
		} else {
			t.out[e.way()] = append(t.out[e.way()], e.seen)
		}
	}
	for _, e := range events {
		if t := byID[e.Flow]; t != nil {
			t.events = append(t.events, e)
		}
	}
	return joinRedirected(all)
}

// leftover tells whether a flow is what is left of an earlier try: a server of UDP that still answers a client that is gone, and the client's
// host that says so.
func (t *track) leftover() bool {
	switch t.id.Transport {
	case packet.UDP:
		return len(t.in[up]) == 0
	case packet.ICMP, packet.ICMPv6:
		return len(t.in[down]) == 0 && !slices.ContainsFunc(t.in[up], func(s *seen) bool { return icmpName(s) != unreachable })
	}
	return false
}

// joinRedirected makes one of a flow whose packets the box gives another address and of what is then seen on the far side.
func joinRedirected(all []*track) []*track {
	gone := map[*track]bool{}
	for _, t := range all {
		if !slices.ContainsFunc(t.events, func(e dpi.Event) bool { return e.Rule.Do.Mechanism == rules.MechanismRedirect }) {
			continue
		}
		for _, far := range all {
			if far == t || gone[far] || far.id.Transport != t.id.Transport || far.id.Inside != t.id.Inside || far.id.Outside.Port() != t.id.Outside.Port() ||
				len(far.in[up]) > 0 {
				continue
			}
			t.to = far.id
			t.out[up] = append(t.out[up], far.out[up]...)
			t.in[down] = append(t.in[down], far.in[down]...)
			gone[far] = true
		}
	}
	return slices.DeleteFunc(all, func(t *track) bool { return gone[t] })
}

// pair says what became of each packet. start is the box's beginning; what went in after settled may still have been under way.
func (t *track) pair(start, settled time.Time) {
	for way := range t.in {
		dir := rules.Up
		if way == down {
			dir = rules.Down
		}
		events := slices.DeleteFunc(slices.Clone(t.events), func(e dpi.Event) bool { return e.Dir != dir })
		all := pair(t.in[way], t.out[way], events)
		for _, c := range all {
			if t.to != (dpi.FlowID{}) && c.out {
				c.changed = true
			}
			switch {
			case c.sent:
				if c.rule = nearest(events, dpi.EventSend, c.at.Sub(start)); c.rule == "" {
					c.sent, c.out, c.bytes = false, true, len(c.Payload) // the box sent nothing: how it went in was not seen, or not in this form
				}
			case c.changed:
				c.rule = nearest(events, dpi.EventRewrite, c.at.Sub(start))
			case c.dropped():
				// What the kernel drops by itself, once a packet of either direction was dropped, has no event.
				if c.rule = nearest(events, dpi.EventDrop, c.at.Sub(start)); c.rule == "" && !c.at.After(settled) {
					c.rule = nearest(t.events, dpi.EventDrop, c.at.Sub(start))
				}
				if c.rule == "" {
					c.out, c.bytes = true, len(c.Payload) // the box dropped nothing: it was lost elsewhere, or was on its way when the capture ended
				}
			}
		}
		t.passed[way] = all
	}
}

// nearest gives the rule of the event of a kind that is nearest in time, "" without one.
func nearest(events []dpi.Event, kind dpi.EventKind, at time.Duration) string {
	rule, least := "", time.Duration(0)
	for _, e := range events {
		if d := (e.Time - at).Abs(); e.Kind == kind && (rule == "" || d < least) {
			rule, least = e.Rule.Name, d
		}
	}
	return rule
}

// flow makes what is reported of a track. start is the try's beginning.
func (t *track) flow(start time.Time, hostOf map[netip.Addr]string, packets bool) Flow {
	f := Flow{Transport: t.id.TransportName(), To: hostOf[t.id.Outside.Addr()]}
	f.Client, f.Server = t.id.Ends()
	drops := 0
	for _, e := range t.events {
		if e.Kind == dpi.EventDrop {
			drops++
		}
	}
	all := slices.Concat(t.passed[up], t.passed[down])
	slices.SortStableFunc(all, func(a, b *crossing) int { return a.at.Compare(b.at) })
	for _, c := range all {
		switch {
		case c.sent: // neither end sent it
		case c.up:
			f.Up++
			f.UpBytes += int64(c.Length)
		default:
			f.Down++
			f.DownBytes += int64(c.Length)
		}
		if c.dropped() {
			f.Dropped++
		}
	}
	f.Dropped = max(f.Dropped, drops) // one packet here can have been several at the box
	if packets {
		f.Packets = describe(t.id, all, start)
	}
	return f
}

// describe says what each packet is, and keeps the first, those that the box touched, and the last.
func describe(id dpi.FlowID, all []*crossing, start time.Time) []Packet {
	n := newNamer(id)
	packets := make([]Packet, len(all))
	for i, c := range all {
		packets[i] = Packet{MS: float64(c.at.Sub(start).Microseconds()) / 1000, Up: c.up, Length: c.Length, What: n.name(c), Rule: c.rule}
		switch {
		case c.sent:
			packets[i].Did = "sent"
		case c.changed:
			packets[i].Did = "rewritten"
		case c.dropped():
			packets[i].Did = "dropped"
		}
	}
	if len(packets) <= maxPackets {
		return packets
	}
	keep := make([]int, 0, maxPackets)
	for i := range packets {
		switch {
		case i < firstKept, i >= len(packets)-lastKept, packets[i].Did != "" && len(keep) < maxPackets-lastKept:
			keep = append(keep, i)
		}
	}
	some := make([]Packet, len(keep))
	for i, at := range keep {
		some[i] = packets[at]
	}
	return some
}
