package bench

import (
	"math"
	"slices"
	"strings"
)

// Row is what was measured of one thing over the rounds.
type Row struct {
	Name   string  `json:"name"` // such as connections_1m; stable between versions
	Unit   string  `json:"unit"`
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

// samples keeps what each round gave.
type samples struct {
	order []string
	units map[string]string
	by    map[string][]float64 // a value a round; NaN where a round has none
}

func newSamples() *samples {
	return &samples{units: map[string]string{}, by: map[string][]float64{}}
}

// set notes a row's value in a round.
func (s *samples) set(row, unit string, round int, value float64) {
	if _, ok := s.by[row]; !ok {
		s.order = append(s.order, row)
		s.units[row] = unit
	}
	for len(s.by[row]) <= round {
		s.by[row] = append(s.by[row], math.NaN())
	}
	s.by[row][round] = value
}

// rows gives the rows that have a value, in the order in which they came.
func (s *samples) rows() []Row {
	var all []Row
	for _, name := range s.order {
		if v := known(s.by[name]); len(v) > 0 {
			all = append(all, Row{Name: name, Unit: s.units[name], Min: slices.Min(v), Median: median(v), Max: slices.Max(v)})
		}
	}
	return all
}

// median gives the median of a row, false without a value.
func (s *samples) median(row string) (float64, bool) {
	v := known(s.by[row])
	return median(v), len(v) > 0
}

// pair combines two rows round by round and gives the median of that; false when they share no round.
func (s *samples) pair(a, b string, combine func(a, b float64) float64) (float64, bool) {
	var all []float64
	left, right := s.by[a], s.by[b]
	for i := range min(len(left), len(right)) {
		if v := combine(left[i], right[i]); !math.IsNaN(v) && !math.IsInf(v, 0) {
			all = append(all, v)
		}
	}
	return median(all), len(all) > 0
}

func over(a, b float64) float64  { return a / b }
func above(a, b float64) float64 { return a - b }

func known(v []float64) []float64 {
	return slices.DeleteFunc(slices.Clone(v), math.IsNaN)
}

// median gives the middle value, or the mean of the two; NaN of none.
func median(v []float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	v = slices.Sorted(slices.Values(v))
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}

// percentile gives the smallest value that at least this share of the sorted values do not exceed; NaN of none.
func percentile(sorted []float64, share float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	return sorted[max(0, min(len(sorted)-1, int(math.Ceil(share*float64(len(sorted))))-1))]
}

// drop takes away what a path gave: the rows with its name, and with more behind it.
func (s *samples) drop(path string) {
	for _, row := range s.order {
		if row == path || strings.HasPrefix(row, path+"_") {
			s.by[row] = nil
		}
	}
}
