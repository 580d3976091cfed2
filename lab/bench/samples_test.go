package bench

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{3}, 3},
		{[]float64{3, 1}, 2},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 1, 3, 2}, 2.5},
	} {
		given := append([]float64(nil), c.values...)
		require.Equal(t, c.want, median(c.values))
		require.Equal(t, given, c.values, "the values keep their order")
	}
	require.True(t, math.IsNaN(median(nil)))
}

func TestPercentile(t *testing.T) {
	var v []float64
	for i := range 100 {
		v = append(v, float64(i+1))
	}
	for share, want := range map[float64]float64{0: 1, 0.001: 1, 0.5: 50, 0.99: 99, 0.991: 100, 1: 100} {
		require.Equal(t, want, percentile(v, share), share)
	}
	require.Equal(t, 7.0, percentile([]float64{7}, 0.99))
	require.True(t, math.IsNaN(percentile(nil, 0.5)))
}

func TestRows(t *testing.T) {
	s := newSamples()
	s.set("b", "x", 0, 2)
	s.set("a", "y", 2, 5) // nothing in rounds 0 and 1
	s.set("b", "x", 1, 4)
	s.set("b", "x", 2, 9)
	require.Equal(t, []Row{{"b", "x", 2, 4, 9}, {"a", "y", 5, 5, 5}}, s.rows())
	m, ok := s.median("b")
	require.True(t, ok)
	require.Equal(t, 4.0, m)
	_, ok = s.median("none")
	require.False(t, ok)
}

// A ratio is taken between values of one round, so that a slow round is slow for both.
func TestPairs(t *testing.T) {
	s := newSamples()
	for round, v := range [][2]float64{{100, 50}, {10, 5}, {1, 4}} {
		s.set("box", "x", round, v[0])
		s.set("wire", "x", round, v[1])
	}
	s.set("wire", "x", 3, 1) // a round that the box has not
	ratio, ok := s.pair("box", "wire", over)
	require.True(t, ok)
	require.Equal(t, 2.0, ratio, "the ratio of the medians would be 2.5")
	added, _ := s.pair("box", "wire", above)
	require.Equal(t, 5.0, added)
	_, ok = s.pair("box", "none", over)
	require.False(t, ok)
	s.set("zero", "x", 0, 0)
	_, ok = s.pair("box", "zero", over)
	require.False(t, ok, "no ratio to nothing")
}
