package dpi

import (
	"dpilab/dpi/packet"
	"dpilab/rules"
)

// View is what an Engine has made of a flow so far, for who tells the story of it. It is taken when it is asked for; packets do not pay for it.
type View struct {
	Packets uint32      // that it saw, both directions
	Facts   rules.Facts // its classes are those of Policy
	Policy  *rules.Compiled
	Rule    *rules.Rule // that hit it; nil: none did
	Learnt  bool        // Rule had learnt its server before
	Held    bool        // Rule hit another flow between its ends, or to its server, before
	Depth   int         // packets with payload that are read at most
	Looked  int         // and were so far; 255 is as many or more
	Kept    int         // bytes of a TLS hello that is not complete, which wait for more
	Pieces  int         // segments that these came in
	Waits   bool        // something that opens the flow is not complete, of whatever protocol
	Unread  bool        // its payload is not looked at at all
	Over    bool        // what opens it has been read, or given up
	Passed  bool        // it is let be: nothing will hit it
	Refused bool        // it was met in its middle, and is dropped for that
	Doubted bool        // its last packet was one that no server accepts and that this box does not fall for; valid until the next Handle
	Name    string      // the SNI, host or query that its last packet showed, if any; valid until the next Handle
}

// View tells of a flow; ok is false of one that the Engine does not know, or has forgotten. Same goroutine as Handle.
func (e *Engine) View(id FlowID) (v View, ok bool) {
	k := key{
		inside: addressOf(packet.Bytes(id.Inside.Addr())), outside: addressOf(packet.Bytes(id.Outside.Addr())),
		insidePort: id.Inside.Port(), outsidePort: id.Outside.Port(), transport: id.Transport,
	}
	i := e.flows.find(&k, e.flows.hash(&k))
	if i == none {
		return View{}, false
	}
	f := e.flows.at(i)
	v = View{
		Packets: f.packets, Facts: *e.facts(f), Policy: e.compiled(f), Rule: f.ruleIn(e), Learnt: f.is(flagLearnt), Held: f.is(flagHeld),
		Depth: int(f.depth), Looked: int(f.looked), Waits: f.reading != none, Unread: f.is(flagUnread), Over: f.is(flagOver),
		Passed: f.is(flagPassed), Refused: f.state == tcpRefused,
	}
	if e.key == f.key {
		v.Doubted, v.Name = e.doubted, string(e.name)
	}
	if r := e.reading(f); r != nil && f.transport() == rules.TransportTCP {
		for side := range r.side {
			v.Kept += len(r.side[side].data)
			v.Pieces += r.side[side].segments
		}
	}
	return v, true
}
