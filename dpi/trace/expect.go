package trace

import (
	"net/netip"
	"strings"
)

// expectation is what stands behind => and <=.
type expectation struct {
	far, near []item // what comes out, and what comes back; no far: passed
	text      string
}

// kind is what an item says.
type kind uint8

const (
	isPassed    kind = iota
	isDropped        // also held: nothing came out
	isAny            // nothing is said
	isRewritten      // came out changed
	isReleased       // held before, came out now
	isExpired        // ended at a hop
	isHit
	isNoHit
	isRate    // bytes a second of packets that came out
	isGoodput // of payload
	isBytes   // payload bytes that came out
	isFlags   // came out, or back, with these TCP flags
	isExtra   // a packet of the box's own at the far end
	isDNS     // back: an answer with this code, or address
	isHTTP    // back: a response with this code
)

// item is one thing that is expected.
type item struct {
	kind   kind
	lo, hi float64 // of how many; with counted
	counts bool
	share  bool // lo and hi are percent, over all rounds and repeats
	then   bool // all packets of the item before come before those of this one
	flags  uint8
	none   bool // the word none, no flags at all
	fields []field
	rule   string     // hit
	code   int        // DNS and HTTP
	addr   netip.Addr // DNS: an answer's
	url    string     // HTTP
}

// field is what one packet must have.
type field struct {
	name string
	same bool // as the sent packet would have had it
	n    int64
	addr netip.AddrPort // from, to; the port may be 0
}

// expectation reads => and <= and all behind them; nil without either.
func (p *parser) expectation(s *scanner) (*expectation, error) {
	from := s.i
	var x *expectation
	for s.take("=>", "<=") {
		if x == nil {
			x = &expectation{}
		}
		near := s.words[s.i-1].text == "<="
		items, err := p.items(s, near)
		if err != nil {
			return nil, err
		}
		if near {
			x.near = append(x.near, items...)
		} else {
			x.far = append(x.far, items...)
		}
	}
	if x != nil {
		x.text = strings.TrimSpace(wordsOf(s.words[from:min(s.i, len(s.words))]))
	}
	return x, nil
}

func (p *parser) items(s *scanner, near bool) (all []item, err error) {
	for {
		last := false
		// A comma ends an item: it is taken off the word that it stands behind.
		end := s.i
		for ; end < len(s.words); end++ {
			w := &s.words[end]
			if !w.quoted && (w.text == "=>" || w.text == "<=") {
				last = true
				break
			}
			if !w.quoted && strings.HasSuffix(w.text, ",") {
				break
			}
		}
		last = last || end == len(s.words)
		sub := &scanner{file: s.file, words: append([]word(nil), s.words[s.i:min(end+1, len(s.words))]...), end: s.end}
		if last {
			sub.words = sub.words[:end-s.i]
		} else {
			sub.words[end-s.i].text = strings.TrimSuffix(sub.words[end-s.i].text, ",")
		}
		x, err := p.item(sub, near)
		if err != nil {
			return nil, err
		}
		if sub.more() {
			return nil, sub.expected(sub.peek(), "a comma, a field of the packet, <= or the end of the line")
		}
		if x != nil {
			all = append(all, *x)
		}
		if last {
			s.i = end
			return all, nil
		}
		s.i = end + 1
	}
}

// item reads one; nil for the word nothing.
func (p *parser) item(s *scanner, near bool) (x *item, err error) {
	x = &item{then: s.take("then")}
	if s.take("+") {
		x.kind = isExtra
	}
	if lo, hi, ok := span(s.peek().text); ok && !s.peek().quoted && s.countsWhat(near) {
		s.i++
		x.lo, x.hi, x.counts = lo, hi, true
		if s.take("%") {
			x.share = true
		} else if s.take("KB", "B") {
			if x.kind = isBytes; s.words[s.i-1].text == "KB" {
				x.lo, x.hi = x.lo*1024, x.hi*1024
			}
			if !s.take("passed") {
				return nil, s.expected(s.peek(), "passed")
			}
			return x, nil
		}
	}
	w := s.next()
	if near {
		if done, err := x.back(w, s); done || err != nil {
			if w.text == "nothing" {
				return nil, err
			}
			return x, err
		}
	}
	if flags, ok := flagsOf(w.text); ok || w.text == "none" {
		if x.flags, x.none = flags, true; x.kind != isExtra {
			x.kind = isFlags
		}
		return x, x.readFields(p, s)
	}
	if near || x.kind == isExtra {
		return nil, s.expected(w, "flags such as rst,ack, nxdomain, refused, answer, 302 or nothing")
	}
	return x, p.outcome(x, w, s)
}
