package rules

import (
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"
)

// everywhere are all addresses.
var everywhere = []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)}

// prefixSet is a set of prefixes to be cut out of others. The zero value is empty.
type prefixSet struct{ bart.Lite }

func (s *prefixSet) insert(all []netip.Prefix) {
	for _, p := range all {
		s.Insert(p)
	}
}

// sorted gives the fewest prefixes with the same addresses, in order; not nil, and the set must be new.
func (s *prefixSet) sorted() []netip.Prefix {
	s.Aggregate()
	return slices.AppendSeq(make([]netip.Prefix, 0, s.Size()), s.AllSorted())
}

// without gives what is left of the prefixes, in order if they are; not nil.
func (s *prefixSet) without(all []netip.Prefix) []netip.Prefix {
	left := make([]netip.Prefix, 0, len(all))
	for _, p := range all {
		left = s.carve(left, p)
	}
	return left
}

// carve appends what the set leaves of p: all, nothing, or of either half.
func (s *prefixSet) carve(left []netip.Prefix, p netip.Prefix) []netip.Prefix {
	switch {
	case !s.OverlapsPrefix(p):
		return append(left, p)
	case s.LookupPrefix(p):
		return left
	}
	low, high := halves(p)
	return s.carve(s.carve(left, low), high)
}

// halves splits a prefix that is no single address.
func halves(p netip.Prefix) (low, high netip.Prefix) {
	bits := p.Bits()
	b := p.Addr().AsSlice()
	b[bits/8] |= 0x80 >> (bits % 8)
	upper, _ := netip.AddrFromSlice(b)
	return netip.PrefixFrom(p.Addr(), bits+1), netip.PrefixFrom(upper, bits+1)
}

// joined gives the fewest prefixes with the addresses of all, in order.
func joined(all ...[]netip.Prefix) []netip.Prefix {
	all = slices.CompactFunc(all, func(a, b []netip.Prefix) bool { return len(a) == len(b) && first(a) == first(b) })
	if len(all) == 1 {
		return all[0]
	}
	var s prefixSet
	for _, some := range all {
		s.insert(some)
	}
	return s.sorted()
}

// first gives what tells two slices apart that are not the same.
func first(all []netip.Prefix) *netip.Prefix {
	if len(all) == 0 {
		return nil
	}
	return &all[0]
}
