package dpi

import (
	"time"

	"dpilab/rules"
)

// maxGaps is how many separate stretches of a stream are kept before its gaps are filled.
const maxGaps = 8

// pieces puts the segments of one direction in order, from the start of the unread stream. Where two overlap, the first to
// come is believed, or the last, as the profile says.
type pieces struct {
	data     []byte
	have     [maxGaps]span // filled stretches of data, in order, none touching another
	spans    int
	segments int
	cuts     []int         // where the segments begin that are not at the start
	since    time.Duration // box's clock: when the first of them came
}

type span struct{ from, to int }

func (s *pieces) empty() bool { return s.segments == 0 }

func (s *pieces) reset() { s.data, s.spans, s.segments, s.cuts = s.data[:0], 0, 0, s.cuts[:0] }

// ready is the stretch from the start without a gap.
func (s *pieces) ready() []byte {
	if s.spans == 0 || s.have[0].from != 0 {
		return nil
	}
	return s.data[:s.have[0].to]
}

// add puts b at offset; false where the profile's limits do not allow it.
func (s *pieces) add(offset int, b []byte, limit *rules.Reassembly) bool {
	end := offset + len(b)
	if end > limit.Bytes || s.segments >= limit.Segments {
		return false
	}
	if cap(s.data) < limit.Bytes {
		s.data = append(make([]byte, 0, limit.Bytes), s.data...)
	}
	if end > len(s.data) {
		s.data = s.data[:end]
	}
	s.segments++
	if offset > 0 {
		s.cuts = append(s.cuts, offset)
	}
	if limit.Last {
		copy(s.data[offset:end], b)
		return s.merge(span{offset, end})
	}
	// Fill what is free between the stretches that are there.
	at := offset
	for _, have := range s.have[:s.spans] {
		if at < have.from {
			n := min(end, have.from) - at
			if n > 0 {
				copy(s.data[at:at+n], b[at-offset:])
			}
		}
		at = max(at, have.to)
	}
	if at < end {
		copy(s.data[at:end], b[at-offset:])
	}
	return s.merge(span{offset, end})
}

// merge notes that n is filled, joining it with the stretches that it touches.
func (s *pieces) merge(n span) bool {
	var out [maxGaps + 1]span
	k := 0
	placed := false
	for _, h := range s.have[:s.spans] {
		switch {
		case h.to < n.from:
			out[k] = h
			k++
		case n.to < h.from:
			if !placed {
				out[k], placed = n, true
				k++
			}
			out[k] = h
			k++
		default:
			n = span{min(n.from, h.from), max(n.to, h.to)}
		}
	}
	if !placed {
		out[k] = n
		k++
	}
	if k > maxGaps {
		return false
	}
	s.spans = copy(s.have[:], out[:k])
	return true
}
