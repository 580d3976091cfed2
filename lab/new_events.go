package lab

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"dpilab/dpi"
)

// Event is something that a box did.
type Event struct {
	Box string
	dpi.Event
}

// keptEvents is how many events a Net keeps (choice): a box that drops a transfer for minutes makes no more.
const keptEvents = 20_000

// see takes an event in, on the goroutine of the box.
func (n *Net) see(box string, e *dpi.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.events) >= keptEvents {
		n.lost++
		return
	}
	n.events = append(n.events, Event{box, *e})
	n.seen.Broadcast()
}

// Events gives what the boxes did, in the order of time: the first 20,000 things. The slice is the caller's.
func (n *Net) Events() []Event {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.events)
}

// Hit waits for the first flow that a rule hits, any rule when the name is empty, and gives the event; it may have come before. The error is
// that of ctx.
func (n *Net) Hit(ctx context.Context, rule string) (Event, error) {
	defer context.AfterFunc(ctx, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.seen.Broadcast()
	})()
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := 0; ; i++ {
		for i >= len(n.events) {
			if ctx.Err() != nil {
				return Event{}, fmt.Errorf("waiting for the rule %q to hit a flow: %w", rule, context.Cause(ctx))
			}
			n.seen.Wait()
		}
		if e := n.events[i]; e.Kind == dpi.EventHit && (rule == "" || e.Rule.Name == rule) {
			return e, nil
		}
	}
}

// Story says what the boxes did, a line for each thing with the time of the box's clock; packets to which the same was done in a row are
// counted. Nothing is a line, too.
func (n *Net) Story() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var b strings.Builder
	for i := 0; i < len(n.events); {
		e, times := n.events[i], 1
		for i += 1; i < len(n.events) && n.events[i].repeats(e); i++ {
			times++
		}
		b.WriteString(e.String())
		if times > 1 {
			fmt.Fprintf(&b, " (%d packets)", times)
		}
		b.WriteByte('\n')
	}
	switch {
	case len(n.events) == 0:
		b.WriteString("nothing: no rule hit any flow\n")
	case n.lost > 0:
		fmt.Fprintf(&b, "and %d things more\n", n.lost)
	}
	return b.String()
}

// repeats tells whether the same was done to the same flow before.
func (e Event) repeats(before Event) bool {
	return e.Kind != dpi.EventHit && e.Kind == before.Kind && e.Box == before.Box && e.Flow == before.Flow && e.Rule == before.Rule && e.Dir == before.Dir
}

// String is one line, such as "12 ms box: hit by sni-1 (2022-paper), twitter.com, reset. tcp 198.51.100.2:40112 → 203.0.113.34:443, packet 4
// up. Source: IMC22* (P2)".
func (e Event) String() string {
	what := e.Kind.String() + " by " + e.Rule.Name + " (" + e.Rule.Policy + ")"
	if e.Name != "" {
		what += ", " + e.Name
	}
	if e.Kind == dpi.EventHit {
		what += ", " + e.Rule.Do.Mechanism.String()
	}
	line := fmt.Sprintf("%8s  %s: %s. %s, packet %d %s", e.Time.Round(100*time.Microsecond), e.Box, what, flowInWords(e.Flow), e.Packet, e.Dir)
	if e.Kind == dpi.EventHit {
		line += ". Source: " + e.Rule.Source.String()
	}
	return line
}

// flowInWords is "tcp 198.51.100.2:40112 → 203.0.113.34:443".
func flowInWords(f dpi.FlowID) string {
	place := netip.AddrPort.String
	name := "icmp"
	switch f.Transport {
	case unix.IPPROTO_TCP:
		name = "tcp"
	case unix.IPPROTO_UDP:
		name = "udp"
	default:
		place = func(a netip.AddrPort) string { return a.Addr().String() }
		if f.Transport != unix.IPPROTO_ICMP && f.Transport != unix.IPPROTO_ICMPV6 {
			name = fmt.Sprintf("protocol %d", f.Transport)
		}
	}
	return name + " " + place(f.Inside) + " → " + place(f.Outside)
}
