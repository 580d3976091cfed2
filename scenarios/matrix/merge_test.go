package matrix

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sharded deals the cells of the whole out as a matrix does; only the shard that tries a phase has its proofs.
func sharded(t *testing.T, whole func() *Result, n int) []Part {
	t.Helper()
	var parts []Part
	for i := range n {
		r := whole()
		r.Shards, r.Seconds = []string{fmt.Sprintf("%d/%d", i+1, n)}, 10
		r.Started = r.Started.Add(time.Duration(n-i) * time.Second)
		all := r.Cells
		r.Cells = nil
		for j := range all {
			if j%n == i {
				r.Cells = append(r.Cells, all[j])
			}
		}
		for j := range r.Phases {
			if (i+j)%2 == 1 {
				r.Phases[j].Proofs = nil
			}
		}
		if i > 0 {
			r.Tools[0].Version = ""
		}
		parts = append(parts, Part{fmt.Sprintf("%d.json", i+1), r})
	}
	return parts
}

func TestMergeIsTheWhole(t *testing.T) {
	for name, whole := range map[string]func() *Result{"small": small, "full": full} {
		parts := sharded(t, whole, 4)
		parts[0], parts[2] = parts[2], parts[0]
		got, err := Merge(parts)
		require.NoError(t, err, name)
		require.Equal(t, 40.0, got.Seconds)
		want := whole()
		require.Equal(t, want.Started.Add(time.Second), got.Started)
		got.Seconds, got.Started = want.Seconds, want.Started
		require.Equal(t, want, got, name)
	}
}

// Two halves that were merged before are no whole, and a broken phase stays broken.
func TestMergeKeepsWhatIsBroken(t *testing.T) {
	parts := sharded(t, small, 2)
	parts[1].Result.Partial = true
	parts[1].Result.Phases[0].Broken = "Max is not open"
	parts[1].Result.Tools[1].Missing = []string{"xray is not installed"}
	got, err := Merge(parts)
	require.NoError(t, err)
	require.True(t, got.Partial)
	require.Equal(t, "Max is not open", got.Phases[0].Broken)
	require.Equal(t, []string{"xray is not installed"}, got.Tools[1].Missing)
	require.Empty(t, parts[0].Result.Tools[1].Missing, "the parts stay")
}

func TestMergeRefuses(t *testing.T) {
	for want, change := range map[string]func(p []Part) []Part{
		"missing: shard 2/3":                                                func(p []Part) []Part { return append(p[:1], p[2]) },
		"shard 1/3 is there twice: 1.json and 1.json":                       func(p []Part) []Part { return append(p, p[0]) },
		"2.json is no shard: it is a whole":                                 func(p []Part) []Part { p[1].Result.Shards = nil; return p },
		"3.json is shard 3/4, and 1.json is one of 3":                       func(p []Part) []Part { p[2].Result.Shards = []string{"3/4"}; return p },
		`2.json: found the shard "0/3"`:                                     func(p []Part) []Part { p[1].Result.Shards = []string{"0/3"}; return p },
		"1.json and 2.json are not of one matrix: the seed is 1":            func(p []Part) []Part { p[1].Result.Seed = 2; return p },
		"a cell has 3 tries in the one and 5":                               func(p []Part) []Part { p[1].Result.Repeat = 5; return p },
		"dpilab is v0.6.0 in the one and v0.5.0":                            func(p []Part) []Part { p[1].Result.Dpilab = "v0.5.0"; return p },
		"tool 1 is curl in the one and wget in the other":                   func(p []Part) []Part { p[1].Result.Tools[0].Name = "wget"; return p },
		"only the first has the tool xray-reality":                          func(p []Part) []Part { p[1].Result.Tools = p[1].Result.Tools[:1]; return p },
		"only the first has the policy 2026-home (2026-03-10)":              func(p []Part) []Part { p[1].Result.Phases = p[1].Result.Phases[:2]; return p },
		`xray-reality is "xray-reality 1.8.24 (go1.26)" in the one and "0"`: func(p []Part) []Part { p[1].Result.Tools[1].Version = "0"; return p },
		"2.json: curl@2022-paper is in another shard too": func(p []Part) []Part {
			p[1].Result.Cells = append(p[1].Result.Cells, p[0].Result.Cells[0])
			return p
		},
		"nothing to merge": func([]Part) []Part { return nil },
	} {
		_, err := Merge(change(sharded(t, small, 3)))
		require.ErrorContains(t, err, want)
	}
}

func TestMoved(t *testing.T) {
	r := small()
	r.Cells[0].Runs[0].Kept = "curl@2022-paper/1"
	r.Cells[0].Runs[1].Kept = "/tmp/elsewhere"
	moved, err := r.Moved("run", "out/pages")
	require.NoError(t, err)
	require.Equal(t, "../../run/curl@2022-paper/1", moved.Cells[0].Runs[0].Kept)
	require.Equal(t, "/tmp/elsewhere", moved.Cells[0].Runs[1].Kept)
	require.Equal(t, "curl@2022-paper/1", r.Cells[0].Runs[0].Kept)
}

func FuzzMerge(f *testing.F) {
	f.Add("1/2", "2/2")
	f.Add("1/1", "99999999999/99999999999")
	f.Add("2/900000000", "")
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := small(), small()
		x.Cells, y.Cells = x.Cells[:3], y.Cells[3:]
		x.Shards, y.Shards = []string{a}, []string{b}
		r, err := Merge([]Part{{"a", x}, {"b", y}})
		if err == nil {
			data, err := json.Marshal(r)
			require.NoError(t, err)
			_, err = Parse("r.json", data)
			require.NoError(t, err)
		}
	})
}
