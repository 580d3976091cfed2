package lists

import (
	"net/netip"
	"strings"
)

const (
	noteCut   = "with bits behind the prefix, which were cleared"
	noteRange = "given as a range, which became the fewest prefixes with the same addresses"
)

func cidr(s *source) {
	for n, line := range s.lines() {
		if i := strings.IndexAny(line, "#;"); i >= 0 {
			line = line[:i]
		}
		if line = strings.TrimSpace(line); line != "" {
			s.network(n, line)
		}
	}
}

// network takes a prefix, an address or a range.
func (s *source) network(n int, text string) {
	if from, to, ok := parseRange(text); ok {
		if err := ranged(from, to, s.prefix); err != nil {
			s.bad(n, "%v", err)
			return
		}
		s.note(noteRange)
		return
	}
	p, cut, err := parsePrefix(text)
	if err != nil {
		s.bad(n, "%v", err)
		return
	}
	if cut {
		s.note(noteCut)
	}
	s.prefix(p)
}

func parseRange(text string) (from, to netip.Addr, ok bool) {
	a, b, ok := strings.Cut(text, "-")
	if !ok {
		return from, to, false
	}
	from, err := netip.ParseAddr(strings.TrimSpace(a))
	if err != nil {
		return from, to, false
	}
	to, err = netip.ParseAddr(strings.TrimSpace(b))
	return from, to, err == nil
}
