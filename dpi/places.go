package dpi

// place is the low half of a key's hash above the number of its flow; 0: no flow.
type place uint64

func placeOf(h uint64, i uint32) place { return place(h<<32 | uint64(i)) }

func (p place) flow() uint32 { return uint32(p) }

func (p place) hash() uint32 { return uint32(p >> 32) }

// part is how many places are allocated at a time: many at once would have to be cleared at once.
const part = 4096

// places is a table of them with open addressing, at most half full, in a power of two of parts. A place's home, where a search for it
// begins, follows from its hash, so that none of this looks at a flow.
type places []*[part]place

func (s places) size() int { return len(s) * part }

// at is place b, counted round.
func (s places) at(b uint64) *place { return &s[b/part&uint64(len(s)-1)][b%part] }

func (s places) add(p place) {
	b := uint64(p.hash())
	for *s.at(b) != 0 {
		b++
	}
	*s.at(b) = p
}

// remove takes p out and tells whether it was there.
func (s places) remove(p place) bool {
	for b := uint64(p.hash()); *s.at(b) != 0; b++ {
		if *s.at(b) == p {
			s.clear(b)
			return true
		}
	}
	return false
}

// clear empties place b and moves later members of its run back, so that no search ends at the hole.
func (s places) clear(b uint64) {
	mask := uint64(s.size() - 1)
	for n := b + 1; *s.at(n) != 0; n++ {
		if (n-uint64(s.at(n).hash()))&mask >= (n-b)&mask {
			*s.at(b) = *s.at(n)
			b = n
		}
	}
	*s.at(b) = 0
}
