package rules

import "math/bits"

// intervals gives the value of the interval that a number falls into. Intervals are as plain prefixes are once their overlaps are cut: each
// reaches to the next, and the first begins at 0. Once built they are immutable and safe for any number of goroutines.
//
// A look-up waits for memory three times at most, and mostly in a cache: the highest bits of the number choose how many more bits choose the few
// intervals that are left. Tries (gaissmai/bart: Table, Fast, Lite) follow a pointer a byte of the address: out of a million prefixes, they took
// one and a half to two and a half times as long for addresses at random, and two to four times the memory.
type intervals struct {
	all   []interval
	shift uint     // what leaves the highest bits, which choose out of top
	top   []uint32 // where a stretch of index begins, and in the lowest five bits how many more bits choose from it
	index []uint32 // the first interval that begins there or later; one more closes each stretch
}

// interval begins at a number. If inner is not 0, it is one number alone, and value says where its own inner intervals are.
type interval struct {
	from  uint64
	value uint32
	inner uint32
}

// fewIntervals is how many of them one look-up compares with, on average (choice: 64 bytes are four).
const fewIntervals = 4

// find gives the interval of a number. There must be one.
func (x *intervals) find(v uint64) *interval {
	stretch := x.top[v>>x.shift]
	more := stretch & 31
	slot := x.index[stretch>>5+uint32(v<<(64-x.shift)>>(64-more)):][:2]
	return search(x.all, int(slot[0]), int(slot[1]), v)
}

// search gives the last interval that begins at v or before: from[low-1] does, from[high] does not.
func search(all []interval, low, high int, v uint64) *interval {
	for high-low > fewIntervals {
		if middle := int(uint(low+high) / 2); all[middle].from <= v {
			low = middle + 1
		} else {
			high = middle
		}
	}
	for low < high && all[low].from <= v {
		low++
	}
	return &all[low-1]
}

// newIntervals takes intervals in their order, of which the first begins at 0.
func newIntervals(all []interval) intervals {
	x := intervals{all: all, shift: 64}
	switch {
	case len(all) >= 4096:
		x.shift = 48
	case len(all) >= 64:
		x.shift = 56
	}
	next := 0
	for high := range uint64(1) << (64 - x.shift) {
		first := next
		for next < len(all) && all[next].from>>x.shift == high {
			next++
		}
		more := min(uint(bits.Len(uint((next-first)/fewIntervals))), x.shift, 20)
		x.top = append(x.top, uint32(len(x.index))<<5|uint32(more))
		at := first
		for slot := range uint64(1) << more {
			for at < next && all[at].from<<(64-x.shift)>>(64-more) < slot {
				at++
			}
			x.index = append(x.index, uint32(at))
		}
		x.index = append(x.index, uint32(next))
	}
	return x
}
