package rules

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"net/netip"
	"slices"
)

// span is the addresses from one to another, of one family. Those of IPv4 are numbers of 32 bits.
type span struct {
	six      bool
	from, to wide
}

// spans are in order, and none touches another.
type spans []span

// each gives all addresses, in order, with the class that each stretch has.
func (x *addrs) each(give func(s span, class uint32)) {
	for i, at := range x.four.all {
		to := wide{0, 1<<32 - 1}
		if i+1 < len(x.four.all) {
			to.low = x.four.all[i+1].from>>32 - 1
		}
		give(span{false, wide{0, at.from >> 32}, to}, at.value)
	}
	for i, at := range x.six.all {
		to := wide{^uint64(0), ^uint64(0)}
		if i+1 < len(x.six.all) {
			to.high = x.six.all[i+1].from - 1
		}
		if at.inner == 0 {
			give(span{true, wide{at.from, 0}, to}, at.value)
			continue
		}
		inner := x.inner[at.value : at.value+at.inner]
		for j, part := range inner {
			to := wide{at.from, ^uint64(0)}
			if j+1 < len(inner) {
				to.low = inner[j+1].from - 1
			}
			give(span{true, wide{at.from, part.from}, to}, part.value)
		}
	}
}

// add appends a span that comes behind all others.
func (s spans) add(x span) spans {
	if n := len(s); n > 0 && s[n-1].six == x.six && s[n-1].to.plus(wide{0, 1}) == x.from {
		s[n-1].to = x.to
		return s
	}
	return append(s, x)
}

// join gives the same addresses without overlaps, for spans in any order.
func join(all spans) (s spans) {
	slices.SortFunc(all, func(a, b span) int {
		if a.six != b.six {
			return cmp.Compare(truthByte(a.six), truthByte(b.six))
		}
		return a.from.compare(b.from)
	})
	for _, x := range all {
		if n := len(s); n > 0 && s[n-1].six == x.six && x.from.compare(s[n-1].to) <= 0 {
			if s[n-1].to.compare(x.to) < 0 {
				s[n-1].to = x.to
			}
			continue
		}
		s = s.add(x)
	}
	return s
}

// without leaves single addresses out.
func (s spans) without(hosts []netip.Addr) spans {
	for _, a := range hosts {
		x := spanOf(netip.PrefixFrom(a, a.BitLen()))
		i := slices.IndexFunc(s, func(y span) bool { return y.six == x.six && y.from.compare(x.from) <= 0 && x.from.compare(y.to) <= 0 })
		if i < 0 {
			continue
		}
		var parts spans
		if s[i].from != x.from {
			parts = append(parts, span{x.six, s[i].from, x.from.minus(wide{0, 1})})
		}
		if s[i].to != x.from {
			parts = append(parts, span{x.six, x.from.plus(wide{0, 1}), s[i].to})
		}
		s = slices.Replace(s, i, i+1, parts...)
	}
	return s
}

// prefixes gives the fewest with the same addresses, in order.
func (s spans) prefixes() (all []netip.Prefix) {
	for _, x := range s {
		width := 32
		if x.six {
			width = 128
		}
		for {
			// As much as begins here: by its alignment, and up to the end.
			n := min(x.from.zeros(), width)
			if left := x.to.minus(x.from).plus(wide{0, 1}); left != (wide{}) {
				n = min(n, left.length()-1)
			}
			all = append(all, netip.PrefixFrom(x.from.addr(x.six), width-n))
			last := x.from.plus(power(n).minus(wide{0, 1}))
			if last == x.to {
				break
			}
			x.from = last.plus(wide{0, 1})
		}
	}
	return all
}

func spanOf(p netip.Prefix) span {
	a := p.Addr()
	var from wide
	if b := a.As16(); a.Is4() {
		from.low = uint64(binary.BigEndian.Uint32(b[12:]))
	} else {
		from = wide{binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[8:])}
	}
	return span{!a.Is4(), from, from.plus(power(a.BitLen() - p.Bits()).minus(wide{0, 1}))}
}

func (a wide) addr(six bool) netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], a.high)
	binary.BigEndian.PutUint64(b[8:], a.low)
	if six {
		return netip.AddrFrom16(b)
	}
	return netip.AddrFrom4([4]byte(b[12:]))
}

func (a wide) plus(b wide) wide {
	low, carry := bits.Add64(a.low, b.low, 0)
	return wide{a.high + b.high + carry, low}
}

func (a wide) minus(b wide) wide {
	low, borrow := bits.Sub64(a.low, b.low, 0)
	return wide{a.high - b.high - borrow, low}
}

// power gives 2 to the power of n, which is 0 for 128.
func power(n int) wide {
	if n < 64 {
		return wide{0, 1 << n}
	}
	return wide{1 << (n - 64), 0}
}

// zeros is how many of the lowest bits are 0.
func (a wide) zeros() int {
	if a.low != 0 {
		return bits.TrailingZeros64(a.low)
	}
	return 64 + bits.TrailingZeros64(a.high)
}

// length is how many bits the number has.
func (a wide) length() int {
	if a.high != 0 {
		return 64 + bits.Len64(a.high)
	}
	return bits.Len64(a.low)
}
