package rules

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// merged puts interests together: those that differ in one field alone, then those that others take in, and, where they are still too
// many, all of the same transports. It tells whether any packet is of interest.
func merged(all []Interest) ([]Interest, bool) {
	for i := range all {
		all[i].tidy()
	}
	all = merge(all, func(x *Interest) mergeKey {
		return mergeKey{transports: x.Transports, same: first(x.To), prefixes: len(x.To)}
	})
	all = merge(all, func(x *Interest) mergeKey { return mergeKey{transports: x.Transports, text: rangesText(x.Ports)} })
	all = merge(all, func(x *Interest) mergeKey { return mergeKey{transports: x.Transports, text: prefixesText(x.To)} })
	all = merge(all, func(x *Interest) mergeKey { return mergeKey{text: rangesText(x.Ports) + prefixesText(x.To)} })
	if len(all) > maxInterests {
		all = merge(all, func(x *Interest) mergeKey { return mergeKey{transports: x.Transports} })
	}
	all = slices.DeleteFunc(slices.Clone(all), func(x Interest) bool {
		return slices.ContainsFunc(all, func(y Interest) bool { return y.takesIn(&x) && !x.takesIn(&y) })
	})
	for i := range all {
		x := &all[i]
		if x.Transports != anyTransport {
			continue
		}
		if x.Transports = 0; x.Ports == nil && x.To == nil {
			return nil, true
		}
	}
	return all, false
}

// tidy writes any of the transports, or of the addresses, in one way.
func (x *Interest) tidy() {
	if x.Transports == 0 {
		x.Transports = anyTransport
	}
	if slices.Equal(x.To, everywhere) {
		x.To = nil
	}
}

// mergeKey is what interests have in common that are put together.
type mergeKey struct {
	transports uint32
	same       *netip.Prefix // To is the same slice
	prefixes   int
	text       string
}

// merge joins the interests of the same key, in the order of the first of each.
func merge(all []Interest, key func(*Interest) mergeKey) []Interest {
	places := map[mergeKey]int{}
	var groups [][]Interest
	for i := range all {
		k := key(&all[i])
		at, ok := places[k]
		if !ok {
			at = len(groups)
			places[k] = at
			groups = append(groups, nil)
		}
		groups[at] = append(groups[at], all[i])
	}
	var out []Interest
	for _, g := range groups {
		out = append(out, unite(g))
	}
	return out
}

// unite gives an interest in all that one of these is in, and in no more if they differ in one field alone.
func unite(all []Interest) Interest {
	if len(all) == 1 {
		return all[0]
	}
	x := all[0]
	var ports []Range
	var to [][]netip.Prefix
	for i := range all {
		x.Transports |= all[i].Transports
		ports = append(ports, all[i].Ports...)
		to = append(to, all[i].To)
	}
	x.Ports, x.To = nil, nil
	if !slices.ContainsFunc(all, func(y Interest) bool { return y.Ports == nil }) {
		x.Ports = joinRanges(ports)
	}
	if !slices.ContainsFunc(all, func(y Interest) bool { return y.To == nil }) {
		if x.To = joined(to...); slices.Equal(x.To, everywhere) {
			x.To = nil
		}
	}
	return x
}

// takesIn tells whether each packet of y is one of x.
func (x *Interest) takesIn(y *Interest) bool {
	if y.Transports&^x.Transports != 0 || !rangesWithin(y.Ports, x.Ports) {
		return false
	}
	if x.To == nil || y.To == nil {
		return x.To == nil
	}
	var s prefixSet
	s.insert(x.To)
	return !slices.ContainsFunc(y.To, func(p netip.Prefix) bool { return !s.LookupPrefix(p) })
}

// The texts of fields tell nil, which is any, from what has nothing in it.

func rangesText(all []Range) string {
	k := []byte{truthByte(all == nil)}
	k = binary.LittleEndian.AppendUint32(k, uint32(len(all)))
	for _, r := range all {
		k = binary.LittleEndian.AppendUint32(k, uint32(r.Min)<<16|uint32(r.Max))
	}
	return string(k)
}

func prefixesText(all []netip.Prefix) string {
	k := []byte{truthByte(all == nil)}
	for _, p := range all {
		k, _ = p.AppendBinary(k)
	}
	return string(k)
}
