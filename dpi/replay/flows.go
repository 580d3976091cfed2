package replay

import (
	"net/netip"

	"dpilab/dpi"
	"dpilab/dpi/packet"
	"dpilab/rules"
)

// flows finds flows. At most limit are remembered; of more, those that were quiet longest are given up.
type flows struct {
	limit   int
	byTuple map[tuple]*flow
	inside  []netip.Prefix
	openers map[[16]byte]int // addresses that witnesses have inside
	newest  *flow
	oldest  *flow
	ended   []*flow // whose 5-tuple another flow has now
	made    int
	given   int // up
	onGone  func(*flow)
}

func newFlows(limit int, inside []netip.Prefix) *flows {
	return &flows{limit: limit, inside: inside, byTuple: map[tuple]*flow{}, openers: map[[16]byte]int{}}
}

// of finds the packet's flow or opens it. crosses is false for a packet that does not come by the box.
func (t *flows) of(p *packet.Packet) (f *flow, dir rules.Direction, crosses bool) {
	sp, dp := p.SrcPort, p.DstPort
	if p.Fragment || !p.HasTransport {
		sp, dp = 0, 0
	}
	k, srcIsA := tupleOf(p.Protocol, p.Src, p.Dst, sp, dp)
	f = t.byTuple[k]
	opens := isTCP(p) && p.Flags&(packet.SYN|packet.ACK|packet.RST) == packet.SYN
	if f != nil && opens && !(f.hasSYN && f.syn == p.Seq) && f.Up.Packets+f.Down.Packets > 0 {
		t.end(f)
		f = nil
	}
	if f == nil {
		s, ok := t.side(p)
		if !ok {
			return nil, 0, false
		}
		f = t.add(k, s.up == srcIsA, s.witness)
		f.fromInside = s.fromInside
		if opens {
			f.syn, f.hasSYN = p.Seq, true
		}
	}
	t.touch(f)
	return f, f.dir(srcIsA), true
}

func isTCP(p *packet.Packet) bool { return p.HasTransport && p.Protocol == packet.TCP && !p.Fragment }

// named finds the flow of an event.
func (t *flows) named(id dpi.FlowID) *flow {
	k, _ := tupleOf(id.Transport, packet.Bytes(id.Inside.Addr()), packet.Bytes(id.Outside.Addr()), id.Inside.Port(), id.Outside.Port())
	return t.byTuple[k]
}

func (t *flows) add(k tuple, insideIsA, witness bool) *flow {
	if len(t.byTuple)+len(t.ended) >= t.limit {
		t.giveUp()
	}
	f := &flow{tuple: k, insideIsA: insideIsA, witness: witness}
	t.made++
	f.Number = t.made
	t.byTuple[k] = f
	if witness {
		t.openers[f.inside()]++
	}
	return f
}

// end takes a flow out of reach and keeps it for the report.
func (t *flows) end(f *flow) {
	t.unlink(f)
	t.forget(f)
	t.ended = append(t.ended, f)
}

// giveUp makes room: of the ended flows, or the one that was quiet longest.
func (t *flows) giveUp() {
	t.given++
	if len(t.ended) > 0 {
		t.onGone(t.ended[0])
		t.ended[0] = nil
		t.ended = t.ended[1:]
		return
	}
	f := t.oldest
	t.unlink(f)
	t.forget(f)
	t.onGone(f)
}

func (t *flows) forget(f *flow) {
	delete(t.byTuple, f.tuple)
	f.release()
	if !f.witness {
		return
	}
	if t.openers[f.inside()]--; t.openers[f.inside()] <= 0 {
		delete(t.openers, f.inside())
	}
}

// touch makes f the newest.
func (t *flows) touch(f *flow) {
	if t.newest == f {
		return
	}
	t.unlink(f)
	f.older = t.newest
	if t.newest != nil {
		t.newest.newer = f
	}
	t.newest = f
	if t.oldest == nil {
		t.oldest = f
	}
}

func (t *flows) unlink(f *flow) {
	if f.older != nil {
		f.older.newer = f.newer
	}
	if f.newer != nil {
		f.newer.older = f.older
	}
	if t.newest == f {
		t.newest = f.older
	}
	if t.oldest == f {
		t.oldest = f.newer
	}
	f.older, f.newer = nil, nil
}
