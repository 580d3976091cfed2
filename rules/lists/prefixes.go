package lists

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"slices"
	"strings"
)

// prefixes is a set of prefixes.
type prefixes struct{ all []netip.Prefix }

// size is what the set needs, in bytes: it is copied as it grows, by a quarter each time.
func (p *prefixes) size() int64 { return int64(len(p.all)) * (32 + 40) }

func (p *prefixes) add(x netip.Prefix) { p.all = append(p.all, x) }

// compact sorts the set, takes out what others hold, and joins two halves of a prefix: the addresses stay the same.
func (p *prefixes) compact() (c Counts) {
	slices.SortFunc(p.all, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	kept := p.all[:0]
	var before netip.Prefix
	for _, x := range p.all {
		if x == before {
			c.Duplicates++
			continue
		}
		before = x
		if n := len(kept); n > 0 && kept[n-1].Overlaps(x) {
			c.Covered++
			continue
		}
		kept = append(kept, x)
		for n := len(kept); n > 1; n = len(kept) {
			whole, ok := joined(kept[n-2], kept[n-1])
			if !ok {
				break
			}
			kept = append(kept[:n-2], whole)
			c.Merged++
		}
	}
	p.all = kept
	return c
}

// joined gives the prefix whose halves a and b are.
func joined(a, b netip.Prefix) (netip.Prefix, bool) {
	if a.Bits() != b.Bits() || a.Bits() == 0 || a.Addr().Is4() != b.Addr().Is4() {
		return netip.Prefix{}, false
	}
	whole := netip.PrefixFrom(a.Addr(), a.Bits()-1).Masked()
	return whole, whole.Contains(b.Addr())
}

// parsePrefix reads a prefix or an address. Cut tells that bits behind the prefix were cleared.
func parsePrefix(s string) (p netip.Prefix, cut bool, err error) {
	if !strings.Contains(s, "/") {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" {
			return p, false, fmt.Errorf("found %s, expected a prefix, an address or a range", shown(s))
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), false, nil
	}
	p, err = netip.ParsePrefix(s)
	if err != nil {
		return p, false, fmt.Errorf("found %s, expected a prefix, an address or a range", shown(s))
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return p, false, fmt.Errorf("found %s, expected the prefix in its IPv4 form", shown(s))
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), p != p.Masked(), nil
}

// ranged gives the fewest prefixes from one address to another, both counted in.
func ranged(from, to netip.Addr, yield func(netip.Prefix)) error {
	from, to = from.Unmap(), to.Unmap()
	switch {
	case from.Is4() != to.Is4():
		return errors.New("found a range between two families, expected one")
	case from.Zone() != "" || to.Zone() != "":
		return errors.New("found a zone in a range, expected addresses alone")
	case to.Less(from):
		return fmt.Errorf("found the range %s-%s, whose end is before its beginning", from, to)
	}
	for {
		n := from.BitLen() - trailingZeros(from)
		p := netip.PrefixFrom(from, n)
		for to.Less(lastOf(p)) {
			n++
			p = netip.PrefixFrom(from, n)
		}
		yield(p)
		last := lastOf(p)
		if last == to {
			return nil
		}
		from = last.Next()
	}
}

func trailingZeros(a netip.Addr) int {
	if a.Is4() {
		b := a.As4()
		return bits.TrailingZeros32(binary.BigEndian.Uint32(b[:]))
	}
	b := a.As16()
	if low := binary.BigEndian.Uint64(b[8:]); low != 0 {
		return bits.TrailingZeros64(low)
	}
	return 64 + bits.TrailingZeros64(binary.BigEndian.Uint64(b[:8]))
}

// lastOf is the last address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; {
		if i%8 == 0 {
			b[i/8] = 0xff
			i += 8
			continue
		}
		b[i/8] |= 0x80 >> (i % 8)
		i++
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
