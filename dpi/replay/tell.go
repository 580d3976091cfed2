package replay

import (
	"strconv"
	"time"

	"dpilab/dpi"
	"dpilab/dpi/packet"
	"dpilab/rules"
)

const (
	maxVerdicts = 8
	maxRuns     = 256 // events of a flow that are listed
)

// begin fills in what a flow's first packet shows.
func (f *flow) begin(now time.Duration) {
	f.first = now
	f.Seconds = now.Seconds()
	f.Transport = transportName(f.transport)
	inside, outside := f.ends()
	a, b := inside.String(), outside.String()
	if f.transport != packet.TCP && f.transport != packet.UDP || inside.Port() == 0 && outside.Port() == 0 {
		a, b = inside.Addr().String(), outside.Addr().String()
	}
	f.Opened, f.Client, f.Server = "inside", a, b
	if !f.fromInside {
		f.Opened, f.Client, f.Server = "outside", b, a
	}
}

// opener is the way of packets of the end that opened the flow.
func (f *flow) opener() rules.Direction {
	if f.Opened == "outside" {
		return rules.Down
	}
	return rules.Up
}

func transportName(number uint8) string {
	switch number {
	case packet.TCP:
		return "tcp"
	case packet.UDP:
		return "udp"
	case packet.ICMP, packet.ICMPv6:
		return "icmp"
	}
	return "ip " + strconv.Itoa(int(number))
}

// tell enters the events of a call into the report, and gives the comments of the packet that it was about.
func (x *run) tell(now *heldPacket) (comments []string) {
	for i := range x.events {
		e := &x.events[i]
		f := x.flows.named(e.Flow)
		frame := uint64(0)
		if now != nil {
			frame = now.record.number
			if f == nil {
				f = now.flow
			}
		}
		x.ruleEvent(e)
		if f != nil {
			f.event(e, frame, x.o.Story)
		}
		if e.Kind != dpi.EventSend && x.out.w != nil && x.out.ng {
			comments = append(comments, "dpilab: "+eventText(e))
		}
	}
	return comments
}

// ruleEvent counts an event for its rule.
func (x *run) ruleEvent(e *dpi.Event) {
	if e.Rule == nil {
		return
	}
	i, ok := x.ruleOf[e.Rule]
	if !ok {
		i = len(x.report.Rules)
		x.ruleOf[e.Rule] = i
		x.report.Rules = append(x.report.Rules, RuleTotal{
			Rule: e.Rule.Name, Policy: e.Rule.Policy, Mechanism: mechanismText(&e.Rule.Do), Source: e.Rule.Source.String(),
		})
	}
	t := &x.report.Rules[i]
	switch e.Kind {
	case dpi.EventHit:
		t.Flows++
	case dpi.EventDrop:
		t.Dropped++
	case dpi.EventRewrite:
		t.Rewritten++
	case dpi.EventSend:
		t.Sent++
	}
}

// event enters one event into its flow.
func (f *flow) event(e *dpi.Event, frame uint64, story bool) {
	ms := milliseconds(e.Time - f.first)
	if e.Kind == dpi.EventHit && e.Rule != nil && len(f.Verdicts) < maxVerdicts {
		f.Verdicts = append(f.Verdicts, Verdict{
			Rule: e.Rule.Name, Policy: e.Rule.Policy, Mechanism: mechanismText(&e.Rule.Do), Source: e.Rule.Source.String(),
			Packet: e.Packet, Frame: frame, MS: ms, Name: printable(e.Name), Learnt: e.Learnt, Held: e.Held,
		})
	}
	if !story || e.Rule == nil {
		return
	}
	if n := len(f.Events); n > 0 {
		last := &f.Events[n-1]
		if last.Kind == e.Kind.String() && last.Direction == e.Dir.String() && last.Rule == e.Rule.Name || n == maxRuns {
			last.LastFrame, last.LastMS = frame, ms
			last.Packets++
			last.Bytes += uint64(e.Length)
			return
		}
	}
	f.Events = append(f.Events, Event{
		Kind: e.Kind.String(), Direction: e.Dir.String(), Rule: e.Rule.Name, Frame: frame, LastFrame: frame, MS: ms, LastMS: ms,
		Packets: 1, Bytes: uint64(e.Length),
	})
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func ruleText(r *rules.Rule) string {
	return "rule " + r.Name + " (" + r.Policy + "), " + mechanismText(&r.Do)
}

// mechanismText names a mechanism, with the way that it touches where that is only one.
func mechanismText(do *rules.Do) string {
	text := do.Mechanism.String()
	switch do.Mechanism {
	case rules.MechanismDrop, rules.MechanismFreeze, rules.MechanismCapacity:
		if do.Direction != rules.Both {
			text += " " + do.Direction.String()
		}
	case rules.MechanismLearn:
		if do.Then != nil {
			text += ", then " + mechanismText(do.Then)
		}
	}
	return text
}

var eventVerbs = map[dpi.EventKind]string{
	dpi.EventHit: "hit", dpi.EventDrop: "dropped", dpi.EventRewrite: "rewritten", dpi.EventFreeze: "count used up", dpi.EventBan: "banned",
}

func eventText(e *dpi.Event) string {
	text := eventVerbs[e.Kind]
	if text == "" {
		text = e.Kind.String()
	}
	if e.Rule != nil {
		text += " by " + ruleText(e.Rule)
	}
	return text
}
