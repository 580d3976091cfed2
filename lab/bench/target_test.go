package bench

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTargets(t *testing.T) {
	for _, c := range []struct {
		target  Target
		json    string
		text    string
		met     []float64
		missing []float64
	}{
		{Target{Least: 2}, `{"least":2}`, "at least 2", []float64{2, 99}, []float64{1.9, 0}},
		{Target{Most: 2}, `{"most":2}`, "at most 2", []float64{2, 0, -1}, []float64{2.1}},
		{Target{Least: 0.95, Most: 1.05}, `{"least":0.95,"most":1.05}`, "0.950 to 1.05", []float64{0.95, 1, 1.05}, []float64{0.9, 1.1}},
		{Target{}, `{"most":0}`, "at most 0", []float64{0}, []float64{0.001}},
	} {
		b, err := json.Marshal(c.target)
		require.NoError(t, err)
		require.JSONEq(t, c.json, string(b))
		require.Equal(t, c.text, c.target.String())
		for _, v := range c.met {
			require.True(t, c.target.Met(v), "%s: %v", c.text, v)
		}
		for _, v := range c.missing {
			require.False(t, c.target.Met(v), "%s: %v", c.text, v)
		}
	}
}

func TestNumbers(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 12345.6: "12346", 99.94: "99.9", 1.234: "1.23", 0.1234: "0.123", -2.5: "-2.50", 1e6: "1000000"} {
		require.Equal(t, want, number(v))
	}
}
