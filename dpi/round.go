package dpi

// round is a list that is gone through a few at a time, again and again, so that nobody waits for all of it. The zero value is empty.
type round[T any] struct {
	all  []T
	hand int // index of the next one
}

func (r *round[T]) add(x T) { r.all = append(r.all, x) }

// some asks keep about the next n, or all if there are fewer, and takes out those that it says no to.
func (r *round[T]) some(n int, keep func(T) bool) {
	for n = min(n, len(r.all)); n > 0; n-- {
		if r.hand >= len(r.all) {
			r.hand = 0
		}
		if keep(r.all[r.hand]) {
			r.hand++
			continue
		}
		last := len(r.all) - 1
		r.all[r.hand] = r.all[last]
		r.all = r.all[:last]
	}
}
