package rules

import (
	"encoding/binary"
	"maps"
	"slices"
)

// kinds gives the first of those rules that differ only in what they want of the used facts.
func (c *Compiled) kinds(rules []int32, used FactSet) []int32 {
	first := map[string]int32{}
	for _, r := range rules {
		k := c.tests[r].kind(used)
		if _, ok := first[string(k)]; !ok {
			first[string(k)] = r
		}
	}
	return slices.Sorted(maps.Values(first))
}

// kind gives all that tells the rule from others, except for what its when wants of the facts in except.
func (t *test) kind(except FactSet) []byte {
	k := append(binary.LittleEndian.AppendUint64(nil, t.lost), truthByte(t.again))
	k = t.when.kind(k, except)
	for i := range t.unless {
		k = t.unless[i].kind(k, 0)
	}
	return k
}

// kind appends all that a condition asks for, except for the facts in except. Each part has its length before it.
func (w *condition) kind(k []byte, except FactSet) []byte {
	u32 := func(v int) { k = binary.LittleEndian.AppendUint32(k, uint32(v)) }
	u32(int(w.facts))
	u32(int(w.protocols))
	k = append(k, byte(w.transports), byte(w.opened), byte(w.hellos), byte(w.quic), truthByte(w.ech))
	for _, fact := range rangeFacts {
		if except.Has(fact) {
			continue
		}
		ranges := w.rangesOf(fact)
		u32(len(ranges))
		for _, r := range ranges {
			u32(r.Min<<16 | r.Max)
		}
	}
	u32(len(w.signs))
	for _, set := range w.signs {
		k = binary.LittleEndian.AppendUint64(k, set)
	}
	for _, x := range w.wanted {
		if except.Has(x.fact) {
			continue
		}
		u32(int(x.wild))
		u32(len(x.atoms))
		for _, atom := range x.atoms {
			u32(int(atom))
		}
	}
	return k
}

func truthByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}
