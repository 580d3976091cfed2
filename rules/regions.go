package rules

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// region is a part of all addresses: those of some classes, and single ones beside. Nil, where one is asked for, is all. Regions with the
// same in them are the same pointer.
type region struct {
	classes []uint32     // sorted
	hosts   []netip.Addr // in order; none of them is of one of classes
}

func (r *region) empty() bool { return r != nil && len(r.classes)+len(r.hosts) == 0 }

// regions makes regions of a policy.
type regions struct {
	c       *Compiled
	present []uint32            // the classes that some address has, sorted
	ofAtom  map[uint32][]uint32 // the classes that have an atom
	found   map[string]*region  // by what is in them
	named   map[string]*region  // by the atoms that a rule asks for, and excepts
}

func newRegions(c *Compiled) *regions {
	r := &regions{c: c, ofAtom: map[uint32][]uint32{}, found: map[string]*region{}, named: map[string]*region{}}
	there := make([]bool, len(c.addrs.classes.members))
	c.addrs.each(func(_ span, class uint32) { there[class] = true })
	for class, ok := range there {
		if !ok {
			continue
		}
		r.present = append(r.present, uint32(class))
		for _, atom := range c.addrs.classes.members[class] {
			r.ofAtom[atom] = append(r.ofAtom[atom], uint32(class))
		}
	}
	return r
}

// of gives the region with these in it. It takes the slices.
func (r *regions) of(classes []uint32, hosts []netip.Addr) *region {
	slices.Sort(classes)
	classes = slices.Compact(classes)
	if len(classes) == len(r.present) {
		return nil
	}
	hosts = slices.DeleteFunc(hosts, func(a netip.Addr) bool { return contains(classes, r.c.Addr(a).set()) })
	slices.SortFunc(hosts, netip.Addr.Compare)
	hosts = slices.Compact(hosts)
	k := appendNumbers(nil, classes)
	for _, a := range hosts {
		k = append(append(k, byte(a.BitLen())), a.AsSlice()...)
	}
	if x := r.found[string(k)]; x != nil {
		return x
	}
	x := &region{classes, hosts}
	r.found[string(k)] = x
	return x
}

func contains(classes []uint32, class uint32) bool {
	_, ok := slices.BinarySearch(classes, class)
	return ok
}

func appendNumbers(k []byte, all []uint32) []byte {
	k = binary.LittleEndian.AppendUint32(k, uint32(len(all)))
	for _, v := range all {
		k = binary.LittleEndian.AppendUint32(k, v)
	}
	return k
}

// ofRule gives what a rule is for: the addresses of its when without those of an unless that asks for nothing else.
func (r *regions) ofRule(t *test) *region {
	var except []uint32
	for i := range t.unless {
		if u := &t.unless[i]; u.onlyTo() {
			except = append(except, u.of(FactTo).atoms...)
		}
	}
	to, asked := t.when.of(FactTo).atoms, t.when.facts.Has(FactTo)
	k := string(appendNumbers(appendNumbers([]byte{truthByte(asked)}, to), except))
	if x, ok := r.named[k]; ok {
		return x
	}
	var classes []uint32
	if asked {
		classes = r.ofAtoms(to)
	} else {
		classes = slices.Clone(r.present)
	}
	if not := r.ofAtoms(except); len(not) > 0 {
		slices.Sort(not)
		classes = slices.DeleteFunc(classes, func(class uint32) bool { return contains(not, class) })
	}
	x := r.of(classes, nil)
	r.named[k] = x
	return x
}

func (r *regions) ofAtoms(atoms []uint32) (classes []uint32) {
	for _, atom := range atoms {
		classes = append(classes, r.ofAtom[atom]...)
	}
	return classes
}

// onlyTo tells whether nothing but the outside address decides about the condition.
func (w *condition) onlyTo() bool { return w.reads()&^(1<<FactTo) == 0 }

// union gives what is in one of them.
func (r *regions) union(all []*region) *region {
	if len(all) == 1 {
		return all[0]
	}
	var classes []uint32
	var hosts []netip.Addr
	for _, x := range all {
		if x == nil {
			return nil
		}
		classes, hosts = append(classes, x.classes...), append(hosts, x.hosts...)
	}
	return r.of(classes, hosts)
}

// within tells whether all of x is in y.
func (r *regions) within(x, y *region) bool {
	switch {
	case y == nil || x == y:
		return true
	case x == nil:
		return false
	}
	return !slices.ContainsFunc(x.classes, func(class uint32) bool { return !contains(y.classes, class) }) &&
		!slices.ContainsFunc(x.hosts, func(a netip.Addr) bool {
			return !contains(y.classes, r.c.Addr(a).set()) && !slices.Contains(y.hosts, a)
		})
}

// prefixes gives what is in each of the regions, without the holes; nil for a region that is all.
func (r *regions) prefixes(all []*region, holes [][]netip.Addr) [][]netip.Prefix {
	takers := make([][]int32, len(r.c.addrs.classes.members))
	parts := make([]spans, len(all))
	for i, x := range all {
		if x == nil {
			continue
		}
		for _, class := range x.classes {
			takers[class] = append(takers[class], int32(i))
		}
	}
	r.c.addrs.each(func(s span, class uint32) {
		for _, i := range takers[class] {
			parts[i] = parts[i].add(s)
		}
	})
	out := make([][]netip.Prefix, len(all))
	for i, x := range all {
		if x == nil {
			continue
		}
		if len(x.hosts) > 0 {
			for _, a := range x.hosts {
				parts[i] = append(parts[i], spanOf(netip.PrefixFrom(a, a.BitLen())))
			}
			parts[i] = join(parts[i])
		}
		if holes != nil {
			parts[i] = parts[i].without(holes[i])
		}
		out[i] = parts[i].prefixes()
	}
	return out
}
