package nfq

import (
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"
)

// span is the addresses from one to another, both of them in it, of one family.
type span struct{ from, to netip.Addr }

// spans are in order, IPv4 first, and neither overlap nor touch each other: the form in which the kernel's interval sets take them.
type spans []span

// spansOf takes prefixes in any order.
func spansOf(prefixes []netip.Prefix) spans {
	all := make(spans, 0, len(prefixes))
	for _, p := range prefixes {
		all = append(all, span{p.Masked().Addr(), lastOf(p)})
	}
	return all.joined()
}

// lastOf is the last address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for bit := p.Bits(); bit < len(b)*8; bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// joined puts s in order, in place, and makes one of those that overlap or touch.
func (s spans) joined() spans {
	byFrom := func(a, b span) int { return a.from.Compare(b.from) }
	if !slices.IsSortedFunc(s, byFrom) {
		slices.SortFunc(s, byFrom)
	}
	n := 0
	for _, x := range s {
		if n > 0 && reaches(s[n-1].to, x.from) {
			if s[n-1].to.Less(x.to) {
				s[n-1].to = x.to
			}
			continue
		}
		s[n] = x
		n++
	}
	return s[:n]
}

// reaches tells whether a span that ends at to leaves no address before from.
func reaches(to, from netip.Addr) bool {
	if to.BitLen() != from.BitLen() {
		return false
	}
	next := to.Next()
	return !next.IsValid() || !next.Less(from)
}

// or is what is in one of them.
func (s spans) or(t spans) spans {
	switch {
	case len(s) == 0:
		return t
	case len(t) == 0:
		return s
	}
	return slices.Concat(s, t).joined()
}

// and is what is in both.
func (s spans) and(t spans) spans {
	var both spans
	for len(s) > 0 && len(t) > 0 {
		from, to := s[0].from, s[0].to
		if from.Less(t[0].from) {
			from = t[0].from
		}
		if t[0].to.Less(to) {
			to = t[0].to
		}
		if !to.Less(from) {
			both = append(both, span{from, to})
		}
		if s[0].to.Less(t[0].to) {
			s = s[1:]
		} else {
			t = t[1:]
		}
	}
	return both
}

// of gives those of a family.
func (s spans) of(f *family) spans {
	six := slices.IndexFunc(s, func(x span) bool { return x.from.Is6() })
	if six < 0 {
		six = len(s)
	}
	if f.nfproto == unix.NFPROTO_IPV4 {
		return s[:six]
	}
	return s[six:]
}
