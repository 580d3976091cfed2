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
		r.setEach(row+"_hit", "ns", x.Series["hit"])
		r.setEach(row+"_miss", "ns", x.Series["miss"])
		hit, _ := r.samples.median(row + "_hit")
		miss, _ := r.samples.median(row + "_miss")
		r.ratio(row+"_ns", max(hit, miss), true)
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
	for _, kind := range []string{"hit4", "hit6", "miss4", "miss6"} {
		r.setEach("lookup_prefix_"+kind, "ns", x.Series[kind])
	}
	worst := 0.0
	for _, kind := range []string{"hit4", "hit6", "miss4", "miss6"} {
		v, _ := r.samples.median("lookup_prefix_" + kind)
		worst = max(worst, v)
	}
	r.ratio("lookup_prefix_ns", worst, true)
	return nil
}

// setEach notes a value a round.
func (r *runner) setEach(row, unit string, values []float64) {
	for round, v := range values {
		r.samples.set(row, unit, round, v)
	}
}

// queries is how many different names or addresses are asked for before the first comes again, so that what they meet is not at hand.
const queries = 1 << 20

// timeLookups asks for names of the first Count, and for others, in random order: nanoseconds each, a value for each of Workers rounds.
func timeLookups(j job) (answer, error) {
	c, err := compile(j.Policy)
	if err != nil {
		return answer{}, err
	}
	r := rand.New(rand.NewPCG(1, 2))
	pool := func(first int) (all [][]byte) {
		for range min(queries, 4*j.Count) {
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
			n := 0
			x.series(kind, j.For, func() {
				c.Name(names[n])
				if n++; n == len(names) {
					n = 0
				}
			})
		}
	}
	return x, nil
}

// series notes how many nanoseconds one takes.
func (x *answer) series(name string, long time.Duration, one func()) {
	one() // what is made on first use is not what is timed
	each, _ := timed(long, one)
	x.Series[name] = append(x.Series[name], each)
}
