package matrix

import (
	"fmt"
	"strings"

	"dpilab/dpi"
	"dpilab/rules"
)

// newlyRead says what the box has learnt of the flow between two looks at it.
func newlyRead(was, is *dpi.View) []string {
	a, b := &was.Facts, &is.Facts
	var all []string
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if was.Packets == 0 {
		text := b.Transport.String()
		if b.Port != 0 {
			text += fmt.Sprintf(" to port %d", b.Port)
		}
		if b.To != 0 {
			text += ", whose address is on a list of the policy"
		}
		if b.From != 0 {
			text += "; the client's address is on a list"
		}
		add("%s", text)
	}
	fresh := func(f rules.Fact) bool { return b.Known.Has(f) && !a.Known.Has(f) }
	if b.Protocol != a.Protocol {
		add("it is %s", b.Protocol)
	}
	if b.Hello != a.Hello && b.Hello != rules.HelloNone {
		add("a ClientHello: %s", b.Hello)
	}
	if named := b.SNI | b.Host | b.Query; is.Name != "" || named != a.SNI|a.Host|a.Query {
		on := "on no list of the policy"
		if named != 0 {
			on = "on a list of the policy"
		}
		add("the name %s, which is %s", orNothing(is.Name), on)
	}
	if b.Certificate != a.Certificate {
		add("a certificate for a name that is on a list of the policy")
	}
	if b.JA3 != a.JA3 || b.JA4 != a.JA4 {
		add("a fingerprint (JA3 or JA4) that is on a list of the policy")
	}
	if b.ECH && !a.ECH {
		add("the hello has an encrypted one inside (ECH)")
	}
	if b.QUIC != a.QUIC {
		add("a version of QUIC: %s", b.QUIC)
	}
	if fresh(rules.FactSize) && b.Size > 0 && is.Policy.Reads().Has(rules.FactSize) {
		add("the first payload has %d bytes", b.Size)
	}
	return append(all, newSigns(is.Policy, b.Signs&^a.Signs)...)
}

// newSigns names signs by their bits.
func newSigns(c *rules.Compiled, bits uint64) []string {
	var all []string
	signs := c.Signs()
	for t, bit := range signs.Tricks {
		if bit&bits != 0 {
			all = append(all, "a trick: "+rules.Trick(t).String())
		}
	}
	for _, e := range signs.Extensions {
		if e.Bit&bits != 0 {
			all = append(all, fmt.Sprintf("the ClientHello has extension %d", e.ID))
		}
	}
	for _, p := range signs.Payloads {
		if p.Bit&bits != 0 {
			all = append(all, "a payload with a pattern that a rule asks for")
		}
	}
	return all
}

// newlyBelieved says what the box makes of the flow now, where that is not what it did before.
func newlyBelieved(was, is *dpi.View, payload bool) []string {
	var all []string
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if was.Packets == 0 {
		client := "the inside end is the client"
		if is.Facts.Opened == rules.SideOutside {
			client = "the outside end is the client: what comes from inside is an answer"
		}
		add("%s", client)
		for _, c := range is.Policy.Chances() {
			if is.Facts.Lost&c.Bit != 0 {
				add("by chance, rule %s is not for this flow", is.Policy.Rules[c.Rule].Name)
			}
		}
	}
	if is.Doubted {
		add("no server accepts this packet: it is not read")
	}
	if is.Unread && !was.Unread && payload {
		add("payload of this flow is not looked at")
	}
	if is.Waits && (is.Pieces != was.Pieces || !was.Waits) {
		if is.Kept > 0 {
			add("not complete: it keeps %d bytes of %s, and waits for more", is.Kept, plural(is.Pieces, "segment", "segments"))
		} else {
			add("not complete: it waits for more")
		}
	}
	if was.Waits && !is.Waits && is.Facts.Hello != rules.HelloNone && is.Facts.Hello != rules.HelloUnreadable {
		add("it has put the pieces together")
	}
	if was.Waits && !is.Waits && is.Facts.Hello == rules.HelloUnreadable && is.Facts.Transport == rules.TransportTCP {
		r := &is.Policy.Profile.Reassembly
		add("it gives up on the pieces: it keeps at most %d bytes of %s, and not what its profile does not join", r.Bytes, plural(r.Segments, "segment", "segments"))
	}
	if is.Over && !was.Over && is.Rule == nil {
		add("what opens the flow has been read (%d of at most %s with payload)", is.Looked, plural(is.Depth, "packet", "packets"))
	}
	if is.Refused && !was.Refused {
		add("the flow was met in its middle, and is dropped for that")
	}
	if is.Passed && !was.Passed {
		add("no rule can hit this flow any more: it is let be")
	}
	return all
}

// decidedWords say which rule hit, and where that is known from.
func decidedWords(e *dpi.Event, mechanism string) []string {
	text := fmt.Sprintf("rule %s: %s", e.Rule.Name, mechanism)
	switch {
	case e.Learnt:
		text += "; it had learnt this server before"
	case e.Held:
		text += "; it hit another flow to this place before, and holds this one for that"
	}
	at := fmt.Sprintf("policy %s, line %d", e.Rule.Policy, e.Rule.Line)
	if e.Rule.Line == 0 {
		at = "policy " + e.Rule.Policy
	}
	return []string{text, fmt.Sprintf("source: %s (%s)", strings.TrimSpace(e.Rule.Source.String()), at)}
}
