package rules

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"
)

// addrs gives the Class of an address. The class of a prefix counts those that cover it in, so that the longest match
// gives all.
type addrs struct {
	classes *classes
	table   bart.Table[uint32]
}

func (x *addrs) class(a netip.Addr) Class {
	set, _ := x.table.Lookup(a.Unmap().WithZone(""))
	return makeClass(set, 0)
}

func newAddrs(c *classes, own map[netip.Prefix]uint32) *addrs {
	x := &addrs{classes: c}
	prefixes := make([]netip.Prefix, 0, len(own))
	for p := range own {
		prefixes = append(prefixes, p)
	}
	slices.SortFunc(prefixes, func(a, b netip.Prefix) int {
		return cmp.Or(cmp.Compare(a.Bits(), b.Bits()), a.Addr().Compare(b.Addr()))
	})
	for _, p := range prefixes {
		_, above, _ := x.table.LookupPrefixLPM(p)
		x.table.Insert(p, c.union(own[p], above))
	}
	return x
}
