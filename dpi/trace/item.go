package trace

import (
	"net/netip"
	"strconv"
)

// countsWhat tells whether the next word, a number, counts what follows; in what comes back, it may be a response's code.
func (s *scanner) countsWhat(near bool) bool {
	if s.i+1 >= len(s.words) {
		return false
	}
	next := s.words[s.i+1].text
	_, flags := flagsOf(next)
	return !near || flags || next == "%" || next == "none" || next == "nxdomain" || next == "refused" || next == "answer"
}

// back reads what only comes back.
func (x *item) back(w word, s *scanner) (done bool, err error) {
	switch w.text {
	case "nothing", "any":
		x.kind = isAny
		return true, nil
	case "nxdomain", "refused", "servfail":
		x.kind, x.code = isDNS, map[string]int{"nxdomain": 3, "refused": 5, "servfail": 2}[w.text]
		return true, nil
	case "answer":
		x.kind = isDNS
		a := s.next()
		if x.addr, err = netip.ParseAddr(a.text); err != nil {
			return true, s.expected(a, "an address")
		}
		return true, nil
	}
	if code, err := strconv.Atoi(w.text); err == nil && code >= 100 && code <= 599 {
		x.kind, x.code = isHTTP, code
		if s.more() {
			x.url = s.next().text
		}
		return true, nil
	}
	return false, nil
}

func (p *parser) outcome(x *item, w word, s *scanner) error {
	switch w.text {
	case "passed":
		x.kind = isPassed
		return x.readFields(p, s)
	case "dropped", "held", "lost":
		x.kind = isDropped
	case "any":
		x.kind = isAny
	case "rewritten":
		x.kind = isRewritten
		return x.readFields(p, s)
	case "released":
		x.kind = isReleased
		return x.readFields(p, s)
	case "expired":
		x.kind = isExpired
	case "hit":
		x.kind = isHit
		if r := s.next(); r.text == "" {
			return s.expected(r, "the name of a rule")
		} else {
			x.rule = r.text
		}
	case "no":
		x.kind = isNoHit
		if !s.take("hit") {
			return s.expected(s.peek(), "hit")
		}
	case "rate", "goodput":
		if x.kind = isRate; w.text == "goodput" {
			x.kind = isGoodput
		}
		return x.readRate(s)
	default:
		return s.expected(w, "passed, dropped, held, any, rewritten, released, expired, hit, rate, goodput, or flags such as rst,ack")
	}
	return nil
}

// readRate reads 130..150 kbit; the bounds are kept in bytes a second.
func (x *item) readRate(s *scanner) error {
	w := s.next()
	var ok bool
	if x.lo, x.hi, ok = span(w.text); !ok {
		return s.expected(w, "a range such as 130..150")
	}
	unit := s.next()
	scale, ok := map[string]float64{"kbit": 125, "mbit": 125_000, "B/s": 1, "KB/s": 1024, "MB/s": 1 << 20}[unit.text]
	if !ok {
		return s.expected(unit, "kbit, mbit, B/s, KB/s or MB/s")
	}
	x.lo, x.hi = x.lo*scale, x.hi*scale
	return nil
}

func (x *item) readFields(p *parser, s *scanner) error {
	for s.more() {
		w := s.next()
		f := field{name: w.text}
		var err error
		switch w.text {
		case "len":
			var n int
			n, err = s.number("a number of bytes", 0, 65535)
			f.n = int64(n)
		case "seq", "ack", "ttl", "ip-id", "window":
			if f.same = s.take("same"); !f.same {
				var n int
				n, err = s.number("same, or a number", 0, 1<<32-1)
				f.n = int64(n)
			}
		case "from", "to":
			f.addr, err = clientOf(p.file, s.next())
		default:
			return s.expected(w, "len, seq, ack, ttl, ip-id, window, from or to")
		}
		if err != nil {
			return err
		}
		x.fields = append(x.fields, f)
	}
	return nil
}
