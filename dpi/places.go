package dpi

// place is the low half of a key's hash above the number of its flow; 0: no flow.
type place uint64

func placeOf(h uint64, i uint32) place { return place(h<<32 | uint64(i)) }

func (p place) flow() uint32 { return uint32(p) }

func (p place) hash() uint32 { return uint32(p >> 32) }

// places is a table of them with open addressing: a power of two long, at most half full. A place's home, where a search for it begins,
// follows from its hash, so that none of this looks at a flow.
type places []place

func (s places) add(p place) {
	mask := uint64(len(s) - 1)
	b := uint64(p.hash()) & mask
	for s[b] != 0 {
		b = (b + 1) & mask
	}
	s[b] = p
}

// remove takes p out and tells whether it was there.
func (s places) remove(p place) bool {
	mask := uint64(len(s) - 1)
	for b := uint64(p.hash()) & mask; s[b] != 0; b = (b + 1) & mask {
		if s[b] == p {
			s.clear(b)
			return true
		}
	}
	return false
}

// clear empties place b and moves later members of its run back, so that no search ends at the hole.
func (s places) clear(b uint64) {
	mask := uint64(len(s) - 1)
	for n := (b + 1) & mask; s[n] != 0; n = (n + 1) & mask {
		if (n-uint64(s[n].hash()))&mask >= (n-b)&mask {
			s[b] = s[n]
			b = n
		}
	}
	s[b] = 0
}
