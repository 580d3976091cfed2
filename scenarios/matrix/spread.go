package matrix

import (
	"math"
	"slices"
)

// spreadOf gives the median and the ends of what was measured. Values of 0 were not.
func spreadOf(values []float64) Spread {
	some := slices.DeleteFunc(slices.Clone(values), func(v float64) bool { return v <= 0 })
	if len(some) == 0 {
		return Spread{}
	}
	slices.Sort(some)
	n := len(some)
	return Spread{Median: (some[(n-1)/2] + some[n/2]) / 2, Low: some[0], High: some[n-1]}
}

// wilson gives the 95 % interval of a share of which n tries showed k (Wilson, 1927): narrow enough to say something with a few tries, and
// never beyond 0 and 1.
func wilson(k, n int) [2]float64 {
	if n == 0 {
		return [2]float64{0, 1}
	}
	const z = 1.959964
	p, m := float64(k)/float64(n), float64(n)
	middle := p + z*z/(2*m)
	half := z * math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	scale := 1 + z*z/m
	return [2]float64{max(0, (middle-half)/scale), min(1, (middle+half)/scale)}
}
