package rules

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// merge puts the interests together: those that differ in one field alone, then those that others take in, and, where they are still too
// many, all of the same transports.
func (d *needs) merge() {
	d.group(func(x *interest) mergeKey { return mergeKey{transports: x.transports, to: x.to} })
	d.group(func(x *interest) mergeKey { return mergeKey{transports: x.transports, ports: rangesText(x.ports)} })
	d.group(func(x *interest) mergeKey { return mergeKey{transports: x.transports, to: x.to} })
	d.group(func(x *interest) mergeKey { return mergeKey{ports: rangesText(x.ports), to: x.to} })
	if len(d.interests) > maxInterests {
		d.group(func(x *interest) mergeKey { return mergeKey{transports: x.transports} })
	}
	d.interests = slices.DeleteFunc(slices.Clone(d.interests), func(x interest) bool {
		return slices.ContainsFunc(d.interests, func(y interest) bool { return d.takesIn(&y, &x) && !d.takesIn(&x, &y) })
	})
	d.everything = slices.ContainsFunc(d.interests, func(x interest) bool { return x.any() })
}

// any tells whether all packets are of interest.
func (x *interest) any() bool { return x.transports == anyTransport && x.ports == nil && x.to == nil }

// mergeKey is what interests have in common that are put together.
type mergeKey struct {
	transports uint32
	ports      string
	to         *region
}

// group joins the interests of the same key, in the order of the first of each.
func (d *needs) group(key func(*interest) mergeKey) {
	places := map[mergeKey]int{}
	var groups [][]interest
	for i := range d.interests {
		k := key(&d.interests[i])
		at, ok := places[k]
		if !ok {
			at = len(groups)
			places[k] = at
			groups = append(groups, nil)
		}
		groups[at] = append(groups[at], d.interests[i])
	}
	d.interests = nil
	for _, g := range groups {
		d.add(d.unite(g))
	}
}

// unite gives an interest in all that one of these is in, and in no more if they differ in one field alone.
func (d *needs) unite(all []interest) interest {
	if len(all) == 1 {
		return all[0]
	}
	x := interest{}
	var ports []Range
	var to []*region
	for i := range all {
		x.transports |= all[i].transports
		ports = append(ports, all[i].ports...)
		if len(to) == 0 || to[len(to)-1] != all[i].to {
			to = append(to, all[i].to)
		}
	}
	if !slices.ContainsFunc(all, func(y interest) bool { return y.ports == nil }) {
		x.ports = JoinRanges(ports)
	}
	x.to = d.union(to)
	return x
}

// takesIn tells whether each packet of y is one of x.
func (d *needs) takesIn(x, y *interest) bool {
	return y.transports&^x.transports == 0 && rangesWithin(y.ports, x.ports) && d.within(y.to, x.to)
}

// interestPrefixes writes the interests out.
func (d *needs) interestPrefixes() (all []Interest) {
	to := make([]*region, len(d.interests))
	for i := range d.interests {
		to[i] = d.interests[i].to
	}
	for i, prefixes := range d.prefixes(to, nil) {
		x := Interest{d.interests[i].transports, d.interests[i].ports, prefixes}
		if x.Transports == anyTransport {
			x.Transports = 0
		}
		all = append(all, x)
	}
	return all
}

// blockPrefixes writes the blocks out.
func (d *needs) blockPrefixes() (all []Block) {
	to, holes := make([]*region, len(d.blocks)), make([][]netip.Addr, len(d.blocks))
	for i := range d.blocks {
		to[i], holes[i] = d.blocks[i].to, d.blocks[i].holes
	}
	for i, prefixes := range d.prefixes(to, holes) {
		if to[i] == nil {
			var s spans
			for _, p := range everywhere {
				s = append(s, spanOf(p))
			}
			prefixes = s.without(holes[i]).prefixes()
		}
		if len(prefixes) > 0 {
			all = append(all, Block{d.blocks[i].rule, d.blocks[i].direction, prefixes})
		}
	}
	return all
}

// rangesText tells nil, which is any, from what has nothing in it.
func rangesText(all []Range) string {
	k := []byte{truthByte(all == nil)}
	for _, r := range all {
		k = binary.LittleEndian.AppendUint32(k, uint32(r.Min)<<16|uint32(r.Max))
	}
	return string(k)
}
