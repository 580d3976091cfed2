package matrix

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func baselineText(t testing.TB, b *Baseline) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, b.WriteJSON(&out))
	return out.Bytes()
}

func TestBaselineFile(t *testing.T) {
	b := NewBaseline(small(), nil)
	text := baselineText(t, b)
	golden(t, "baseline.json", text)
	again, err := ParseBaseline("b.json", text)
	require.NoError(t, err)
	require.Equal(t, b, again)
	whole, err := ParseBaseline("r.json", written(t, small()))
	require.NoError(t, err)
	require.Equal(t, b, whole, "a whole result does as well")
	require.Empty(t, Compare(small(), b, true).Changes, "a result is as its own baseline says")

	file := filepath.Join(t.TempDir(), "b.json")
	_, err = ReadBaseline(file)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.WriteFile(file, text, 0o644))
	again, err = ReadBaseline(file)
	require.NoError(t, err)
	require.Equal(t, b, again)
}

// Writing anew keeps what was not tried, with its own number of tries.
func TestBaselineKeepsOthers(t *testing.T) {
	earlier := NewBaseline(small(), nil)
	earlier.Cells["xray-reality"]["every-policy/2026-home"] = "open"
	earlier.Cells["obfs4"] = map[string]string{"every-policy/2026-home": "open"}
	r := small()
	r.Repeat = 5
	for i := range r.Cells {
		if c := &r.Cells[i]; c.Status == Open {
			c.Reached, c.Tries = 5, 5
		}
	}
	b := NewBaseline(r, earlier)
	require.Equal(t, 5, b.Repeat)
	require.Equal(t, "open 3/3", b.Cells["xray-reality"]["every-policy/2026-home"], "it was skipped")
	require.Equal(t, "open 3/3", b.Cells["obfs4"]["every-policy/2026-home"])
	require.Equal(t, "open", b.Cells["xray-reality"]["every-policy/2022-paper"])
}

func TestBaselineErrors(t *testing.T) {
	for data, want := range map[string]string{
		`{"schema":"dpilab-baseline/1","cells":{"curl":{"a/b":"shut"}}}`:         `b.json: cells: curl, a/b: found "shut", expected a status`,
		`{"schema":"dpilab-baseline/1","cells":{"curl":{"a/b":"skipped"}}}`:      `found "skipped", expected a status`,
		`{"schema":"dpilab-baseline/1","cells":{"curl":{"a/b":"open 4/3"}}}`:     `found "open 4/3", expected a status and tries`,
		`{"schema":"dpilab-baseline/1","cells":{"curl":{"a/b":"open 3/3 or"}}}`:  `expected a status and tries`,
		`{"schema":"dpilab-baseline/1","repeat":-1}`:                             `repeat: found -1`,
		`{"schema":"dpilab-baseline/1","tools":[]}`:                              `unknown field "tools"`,
		`{"schema":"dpilab-bench/1"}`:                                            `expected "dpilab-baseline/1"`,
		``:                                                                       `found an empty file, expected a baseline`,
		`{"schema":"dpilab-matrix/1","cells":[{"tool":"curl"}]}`:                 `cells[0]: its tool "curl" is none of tools`,
		"{\"schema\":\"dpilab-baseline/1\",\n \"cells\":{\"curl\":{\"a/b\":3}}}": `b.json:2:25: cells: found a JSON number, expected string`,
	} {
		_, err := ParseBaseline("b.json", []byte(data))
		require.ErrorContains(t, err, want, data)
	}
}

func FuzzParseBaseline(f *testing.F) {
	f.Add(baselineText(f, NewBaseline(small(), nil)))
	f.Add([]byte(`{"schema":"dpilab-baseline/1","repeat":3,"cells":{"curl":{"a/b":"degraded 2/3"}}}`))
	f.Add(written(f, small()))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := ParseBaseline("b.json", data)
		if err != nil {
			var file *FileError
			require.ErrorAs(t, err, &file)
			return
		}
		again, err := ParseBaseline("b.json", baselineText(t, b))
		require.NoError(t, err)
		require.Equal(t, b.Repeat, again.Repeat)
		Compare(small(), b, true)
	})
}

func TestCompare(t *testing.T) {
	one := func(was string, s Status, reached, tries int, chance bool) Change {
		r := built([]string{"curl"}, []string{"2026-home"})
		c := &r.Cells[0]
		c.Status, c.Reached, c.Tries, c.Flakes, c.Interval = s, reached, tries, min(reached, tries-reached), nil
		if chance {
			c.Interval = &[2]float64{0, 1}
		}
		b := &Baseline{Schema: BaselineSchema, Repeat: 3, Cells: map[string]map[string]string{}}
		if was != "" {
			b.Cells["curl"] = map[string]string{"every-policy/2026-home": was}
		}
		found := Compare(r, b, false)
		if len(found.Changes) == 0 {
			require.Equal(t, 1, found.Same)
			return ""
		}
		require.Equal(t, found.Changes[0].Change != Regression, found.OK())
		return found.Changes[0].Change
	}
	for _, c := range []struct {
		was            string
		is             Status
		reached, tries int
		chance         bool
		want           Change
	}{
		{"open", Open, 3, 3, false, ""},
		{"open", Blocked, 0, 3, false, Regression},
		{"open", Degraded, 0, 3, false, Regression}, // each try was slow
		{"open", Degraded, 2, 3, false, Unclear},
		{"open", Leak, 3, 3, false, Regression},
		{"open", Leak, 2, 3, true, Regression},
		{"open", Broken, 0, 3, false, Regression},
		{"open", Blocked, 0, 3, true, Regression}, // 3 of 3, 0 of 3
		{"open 2/2", Blocked, 0, 2, true, Unclear},
		{"degraded 7/10", Degraded, 6, 10, true, ""},
		{"open 10/10", Degraded, 9, 10, true, Unclear},
		{"open 10/10", Degraded, 5, 10, true, Regression},
		{"open 10/10", Blocked, 0, 1, true, Unclear}, // one failure of eleven
		{"degraded 2/10", Open, 10, 10, true, Pass},
		{"degraded 2/3", Open, 3, 3, false, Unclear},
		{"blocked", Open, 3, 3, false, Pass},
		{"blocked", Degraded, 0, 3, false, Other},
		{"leak", Open, 3, 3, false, Pass},
		{"blocked", Skipped, 0, 0, false, ""},
		{"open", Skipped, 0, 0, false, NotTried},
		{"", Blocked, 0, 3, false, New},
		{"", Skipped, 0, 0, false, ""},
	} {
		require.Equal(t, c.want, one(c.was, c.is, c.reached, c.tries, c.chance), "%+v", c)
	}
}

func TestCompareWhole(t *testing.T) {
	b := NewBaseline(small(), nil)
	b.Cells["curl"]["every-policy/2022-paper"] = "open"
	b.Cells["curl"]["every-policy/2026-home"] = "open"
	b.Cells["xray-reality"]["every-policy/2022-paper"] = "blocked"
	b.Cells["xray-reality"]["every-policy/2026-home"] = "open"
	b.Cells["obfs4"] = map[string]string{"every-policy/2026-home": "open"}
	delete(b.Cells["curl"], "every-policy/2025-freeze")
	c := Compare(small(), b, false)
	require.False(t, c.OK())
	require.Len(t, c.Of(Regression), 2)
	var out bytes.Buffer
	require.NoError(t, c.Write(&out, TableOptions{}))
	golden(t, "compare.txt", out.Bytes())

	b.Cells["curl"]["every-policy/2022-paper"], b.Cells["curl"]["every-policy/2026-home"] = "blocked", "leak"
	require.True(t, Compare(small(), b, false).OK(), "what was skipped is no regression")
	require.False(t, Compare(small(), b, true).OK(), "unless it is required")

	part := small()
	part.Shards, part.Cells = []string{"1/2"}, part.Cells[:3]
	require.Empty(t, Compare(part, b, true).Of(Gone), "the other shard has it")
}

func TestFisher(t *testing.T) {
	// The tea taster's eight cups (R. A. Fisher, 1935): 1 of 70 for all right, 17 of 70 for three of four.
	require.InDelta(t, 1.0/70, fisher(4, 4, 0, 4), 1e-9)
	require.InDelta(t, 17.0/70, fisher(3, 4, 1, 4), 1e-9)
	require.InDelta(t, 0.05, fisher(3, 3, 0, 3), 1e-9)
	require.InDelta(t, 1, fisher(0, 3, 0, 3), 1e-9)
}
