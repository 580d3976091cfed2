package trace

import (
	"strconv"
	"strings"

	"dpilab/internal/strictyaml"
)

var optionNames = []string{
	"every", "seq", "ack", "window", "ttl", "ip-id", "md5", "mss", "wscale", "sack", "timestamp", "bad", "cut", "reversed", "order", "twice",
	"overlap", "bytes", "with", "fragments", "fragment", "from", "to",
}

// options reads what follows the payload: options of the packet, and those of the last payload, in any order.
func (p *parser) options(d *packets, s *scanner) error {
	for s.more() {
		w := s.peek()
		if w.text == "=>" || w.text == "<=" {
			return nil
		}
		if n := len(d.payloads); n > 0 {
			from := s.i
			ok, err := d.payloads[n-1].more(s)
			if err != nil {
				return err
			}
			if ok {
				d.words += wordsOf(s.words[from:s.i])
				continue
			}
			if s.take("+") {
				if err := p.what(d, s); err != nil {
					return err
				}
				continue
			}
		}
		s.i++
		if err := p.option(d, w, s); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) option(d *packets, w word, s *scanner) (err error) {
	switch w.text {
	case "every":
		d.every, err = s.duration()
	case "seq":
		d.seq, err = numberOf(s, 'r')
	case "ack":
		d.ack, err = numberOf(s, 'r')
	case "window":
		d.window, err = s.number("a window", 0, 65535)
	case "ttl":
		d.ttls, err = more(s, d.ttls, func() (uint8, error) {
			n, err := s.number("a TTL", 1, 255)
			return uint8(n), err
		})
	case "ip-id":
		d.id, err = s.number("an IP-ID", 0, 65535)
	case "md5":
		d.md5 = true
	case "sack":
		d.sack = true
	case "mss":
		d.mss, err = s.number("a size", 0, 65535)
	case "wscale":
		d.wscale, err = s.number("a shift", 0, 14)
	case "timestamp":
		var n number
		n, err = numberOf(s, '=')
		d.timestamp = &n
	case "bad":
		if !s.take("checksum") {
			return s.expected(s.peek(), "checksum")
		}
		d.badChecksum = true
	case "from":
		d.src, err = clientOf(p.file, s.next())
	case "to":
		d.dst, err = clientOf(p.file, s.next())
	case "reversed":
		d.reversed = true
	case "twice":
		d.twice = true
	case "overlap":
		d.overlap, err = s.number("a number of bytes", 1, 65535)
	case "order":
		d.order, err = more(s, d.order, func() (int, error) {
			n, err := s.number("the number of a segment", 1, 1000)
			return n - 1, err
		})
	default:
		return p.cutOption(d, w, s)
	}
	return err
}

func (p *parser) cutOption(d *packets, w word, s *scanner) (err error) {
	switch w.text {
	case "cut":
		if s.take("mss") {
			d.cutMSS, err = s.number("a number of bytes", 1, 65535)
			return err
		}
		if d.cuts = spots(s); len(d.cuts) == 0 {
			return s.expected(s.peek(), "a place such as 200, sni+3 or end-10, or mss 536")
		}
	case "bytes":
		w := s.next()
		a, b, _ := strings.Cut(w.text, "..")
		from, ok := spotOf(a)
		to, ok2 := spotOf(b)
		if !ok || !ok2 {
			return s.expected(w, "a stretch such as 0..100 or sni+3..end")
		}
		d.part = []spot{from, to}
	case "with":
		w := s.next()
		if d.with = w.text; w.text != "zeros" && w.text != "random" {
			return s.expected(w, "zeros or random")
		}
	case "fragments":
		if !s.take("at") {
			d.fragments, err = s.number("a number of fragments", 1, 8192)
			return err
		}
		d.fragmentAt, err = more(s, d.fragmentAt, func() (int, error) { return eighth(s, s.peek().text) })
	case "fragment":
		return d.oneFragment(s)
	default:
		known := append([]string(nil), optionNames...)
		return fail(p.file, w.at, "found %q, expected an option of the packet or its payload, => or <=%s", w.text, strictyaml.Suggest(w.text, known))
	}
	return err
}

func (d *packets) oneFragment(s *scanner) (err error) {
	if a, b, found := strings.Cut(s.peek().text, ".."); found {
		d.stretch = []int{0, -1}
		if d.stretch[0], err = eighth(s, a); err != nil || b == "end" {
			return err
		}
		s.i--
		d.stretch[1], err = eighth(s, b)
		return err
	}
	if d.fragment, err = s.number("the number of a fragment, or a stretch such as 8..200", 1, 8192); err != nil {
		return err
	}
	if !s.take("of") {
		return s.expected(s.peek(), "of: as in fragment 1 of 2")
	}
	d.fragments, err = s.number("a number of fragments", int64(d.fragment), 8192)
	return err
}

// eighth reads text, which the next word holds, as a multiple of 8.
func eighth(s *scanner, text string) (int, error) {
	n, err := strconv.ParseUint(text, 0, 16)
	w := s.next()
	if err != nil || n%8 != 0 {
		return 0, s.expected(w, "multiples of 8")
	}
	return int(n), nil
}

// numberOf reads N, +N, -N or =N; plain says what a number without a sign is.
func numberOf(s *scanner, plain byte) (number, error) {
	w := s.next()
	mode, text := plain, w.text
	if text != "" && (text[0] == '+' || text[0] == '-') {
		mode = '+'
	} else if strings.HasPrefix(text, "=") {
		mode, text = '=', text[1:]
	}
	n, err := strconv.ParseInt(text, 0, 34)
	if err != nil {
		return number{}, s.expected(w, "a number: N, +N, -N or =N")
	}
	return number{n, mode}, nil
}
