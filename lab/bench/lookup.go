package bench

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// lookup measures how long a name takes to be found, or not, in lists of many sizes, and an address in a million prefixes.
func (r *runner) lookup() error {
	var sizes []int
	for _, size := range []int{names10, 100_000, 1_000_000, 10_000_000} {
		if size <= 10*r.o.Domains {
			sizes = append(sizes, size)
		}
	}
	for i, size := range sizes {
		row := "lookup_" + sizeName(size)
		r.tell(0, row, len(sizes)+1-i)
		file, err := r.policies.file(size)
		if err != nil {
			return err
		}
		x, err := r.alone(job{Kind: "lookup", Policy: file, Count: size, For: r.o.Duration / 5, Workers: r.o.Rounds})
		if err != nil {
			return err
		}
		r.lookups(row, x, "hit", "miss")
	}
	file, err := writePrefixes(r.folder, r.o.Domains)
	if err != nil {
		return err
	}
	r.tell(0, "prefixes", 1)
	x, err := r.alone(job{Kind: "prefixes", Policy: file, Count: r.o.Domains, For: r.o.Duration / 5, Workers: r.o.Rounds})
	if err != nil {
		return err
	}
	r.lookups("lookup_prefix", x, "hit4", "hit6", "miss4", "miss6")
	return nil
}

// lookups notes what look-ups of these kinds took, cold and hot, and as ratios the slowest kind of each.
func (r *runner) lookups(row string, x answer, kinds ...string) {
	for _, t := range []struct{ row, ratio string }{{"_cold", "_ns"}, {"_hot", "_hot_ns"}} {
		worst := 0.0
		for _, kind := range kinds {
			r.setEach(row+"_"+kind+t.row, "ns", x.Series[kind+t.row])
			v, _ := r.samples.median(row + "_" + kind + t.row)
			worst = max(worst, v)
		}
		r.ratio(row+t.ratio, worst, true)
	}
}

// setEach notes a value a round.
func (r *runner) setEach(row, unit string, values []float64) {
	for round, v := range values {
		r.samples.set(row, unit, round, v)
	}
}

// How many names or addresses are asked for before the first comes again: cold ones are so many, over the whole list, that what they meet is
// in no cache; hot ones as few as what most connections of a minute go to (choice).
const (
	coldQueries = 1 << 20
	hotQueries  = 1 << 10
)

// timeLookups asks for names of the first Count, and for others, at random: nanoseconds each, cold and hot, a value for each of Workers
// rounds.
func timeLookups(j job) (answer, error) {
	c, err := compile(j.Policy)
	if err != nil {
		return answer{}, err
	}
	r := rand.New(rand.NewPCG(1, 2))
	pool := func(first int) (all [][]byte) {
		for range min(coldQueries, 4*j.Count) {
			all = append(all, []byte(nameAt(first+r.IntN(j.Count))))
		}
		return all
	}
	hits, misses := pool(0), pool(j.Count)
	none := c.Name([]byte("nothing.example"))
	for i := range hits {
		if c.Name(hits[i]) == none || c.Name(misses[i]) != none {
			return answer{}, fmt.Errorf("%s is not found, or %s is", hits[i], misses[i])
		}
	}
	x := answer{Series: map[string][]float64{}}
	for range j.Workers {
		for kind, names := range map[string][][]byte{"hit": hits, "miss": misses} {
			coldAndHot(&x, kind, j.For, names, func(name []byte) { c.Name(name) })
		}
	}
	return x, nil
}

// coldAndHot notes how many nanoseconds it takes to ask for one of all, by turns, and for one of the first few.
func coldAndHot[T any](x *answer, kind string, long time.Duration, all []T, ask func(T)) {
	few := all[:min(hotQueries, len(all))]
	for row, asked := range map[string][]T{"_cold": all, "_hot": few} {
		for _, q := range few { // hot ones are at hand, and what is made on first use is made
			ask(q)
		}
		n := 0
		each, _ := timed(long, func() {
			ask(asked[n])
			if n++; n == len(asked) {
				n = 0
			}
		})
		x.Series[kind+row] = append(x.Series[kind+row], each)
	}
}
