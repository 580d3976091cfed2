package replay

import (
	"dpilab/dpi"
	"dpilab/dpi/packet"
	"dpilab/rules"
)

// settle takes the verdicts and events of one call; now is the packet that the call was about, if any.
func (x *run) settle(now *heldPacket, id uint32) {
	comments := x.tell(now)
	answered := now == nil
	sent := 0
	for _, v := range x.verdicts {
		switch {
		case v.Action == dpi.Send:
			x.send(v, x.sender(sent))
			sent++
		case !answered && v.ID == id:
			answered = true
			x.decide(now, v, comments, false)
		default:
			if h := x.held[v.ID]; h != nil {
				delete(x.held, v.ID)
				x.decide(h, v, comments, true)
			}
		}
	}
	if !answered {
		x.keep(now, id)
	}
	x.events = x.events[:0]
}

// sender gives the rule of the n-th packet that the box sends in this call; nil if no event tells.
func (x *run) sender(n int) *rules.Rule {
	for i := range x.events {
		if x.events[i].Kind != dpi.EventSend {
			continue
		}
		if n == 0 {
			return x.events[i].Rule
		}
		n--
	}
	return nil
}

// decide lets a packet out, or not.
func (x *run) decide(h *heldPacket, v dpi.Verdict, comments []string, late bool) {
	t := &x.report.Totals
	r := &h.record
	if late && r.face >= len(x.from.interfaces()) {
		t.Held++ // another section has begun, which does not have the interface
		return
	}
	frame, length := r.frame, r.length
	size := h.fed
	switch v.Action {
	case dpi.Drop:
		t.Dropped++
		if h.flow != nil {
			h.flow.traffic(h.dir).Dropped++
		}
		if x.o.Marked {
			if len(comments) == 0 {
				comments = []string{"dpilab: dropped"}
			}
			x.out.untouched(r, comments)
		}
		return
	case dpi.Rewrite:
		t.Rewritten++
		size = len(v.Data)
		frame, length = x.rewritten(h, v.Data)
		if len(comments) == 0 {
			comments = []string{"dpilab: rewritten"}
		}
	default:
		t.Accepted++
	}
	if h.flow != nil {
		w := h.flow.traffic(h.dir)
		w.PacketsOut++
		w.BytesOut += uint64(size)
		if v.Action == dpi.Rewrite {
			w.Rewritten++
		}
	}
	stamp := r.stamp
	if late {
		t.Late++
		comments = append([]string{"dpilab: held for " + short(x.passed-h.since)}, comments...)
		stamp = x.stamp(r.face)
	}
	if !late && v.Action != dpi.Rewrite {
		x.out.untouched(r, comments)
		return
	}
	x.out.put(outgoing{r.face, stamp, frame, length, r.extra, comments})
}

// rewritten gives the frame of a packet that the box changed. What the capture had cut off of it stays cut off.
func (x *run) rewritten(h *heldPacket, data []byte) (frame []byte, length int) {
	r := &h.record
	x.frame = appendFrame(x.frame[:0], x.link(r.face), r.frame[:h.at], data)
	frame, length = x.frame, len(x.frame)
	if h.cut && length > len(r.frame) {
		frame = frame[:len(r.frame)]
	}
	return frame, length
}

func (x *run) link(face int) uint32 {
	if all := x.from.interfaces(); face < len(all) {
		return all[face].link
	}
	return linkRaw
}

// stamp is the time of the box in the units of an interface.
func (x *run) stamp(face int) uint64 {
	if all := x.from.interfaces(); face < len(all) {
		return all[face].stamps(x.base + int64(x.passed))
	}
	return 0
}

// send lets a packet of the box's own out, under the link header that the flow's packets of that way have.
func (x *run) send(v dpi.Verdict, rule *rules.Rule) {
	x.report.Totals.Sent++
	f := x.flowOf(v)
	if f == nil {
		return
	}
	w := f.traffic(v.Dir)
	w.Sent++
	w.PacketsOut++
	w.BytesOut += uint64(len(v.Data))
	link := x.link(f.face)
	i := sideIndex(v.Dir)
	header := x.links.header(f.link[i])
	if f.link[i] == 0 {
		header = turned(link, x.links.header(f.link[1-i]))
	}
	x.frame = appendFrame(x.frame[:0], link, header, v.Data)
	comment := "dpilab: sent by the box"
	if rule != nil {
		comment += ", " + ruleText(rule)
	}
	x.out.put(outgoing{f.face, x.stamp(f.face), x.frame, len(x.frame), nil, []string{comment}})
}

// flowOf finds the flow that a packet of the box's own belongs to.
func (x *run) flowOf(v dpi.Verdict) *flow {
	var p packet.Packet
	if p.Decode(v.Data) != nil {
		return nil
	}
	k, _ := tupleOf(p.Protocol, p.Src, p.Dst, p.SrcPort, p.DstPort)
	return x.flows.byTuple[k]
}
