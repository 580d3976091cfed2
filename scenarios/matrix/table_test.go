package matrix

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/internal/typeset"
)

func TestTable(t *testing.T) {
	for name, o := range map[string]TableOptions{"table.txt": {}, "table-narrow.txt": {Width: 44}, "table-colour.txt": {Colour: true}} {
		var b bytes.Buffer
		require.NoError(t, small().WriteTable(&b, o))
		golden(t, name, b.Bytes())
	}
}

// However narrow the terminal is, no line of the table is wider, and each cell has its place.
func TestTableFits(t *testing.T) {
	r := full()
	for _, width := range []int{70, 80, 120, 200} {
		tab := newTable(r, TableOptions{Width: width})
		seen := 0
		for _, columns := range tab.blocks() {
			seen += len(columns)
			for _, line := range tab.block(columns) {
				require.LessOrEqual(t, typeset.Letters(strings.TrimRight(line, " ")), width, line)
			}
		}
		require.Equal(t, len(r.Phases), seen)
	}
}

func TestSum(t *testing.T) {
	require.Equal(t, "1 of 5 open, 1 degraded, 1 blocked, 1 leak, 1 broken; 1 skipped", small().Count("").String())
	require.Equal(t, "0 of 3 open, 1 degraded, 1 blocked, 1 leak", small().Count("curl").String())
}

func TestCellByName(t *testing.T) {
	r := small()
	c, err := r.Cell("xray-reality@2025-freeze")
	require.NoError(t, err)
	require.Equal(t, Broken, c.Status)
	require.Equal(t, "xray-reality@2025-freeze", c.String())
	c, err = r.Cell("curl@every-policy/2022-paper")
	require.NoError(t, err)
	require.Equal(t, "curl@2022-paper", c.String())
	for name, want := range map[string]string{
		"xray-realty@2026-home": `no tool of this result is called "xray-realty"; did you mean "xray-reality"?`,
		"curl@2026-hom":         `curl was not tried against "2026-hom"; did you mean "2026-home"?`,
		"curl/2026-home":        `expected TOOL@POLICY, such as curl@2022-paper`,
		"@2026-home":            `expected TOOL@POLICY`,
	} {
		_, err := r.Cell(name)
		require.ErrorContains(t, err, want)
	}
	r.Phases[1].Policy, r.Cells[1].Policy, r.Cells[4].Policy = "2022-paper", "2022-paper", "2022-paper"
	_, err = r.Cell("curl@2022-paper")
	require.ErrorContains(t, err, "one of 2: curl@every-policy/2022-paper or curl@every-policy/2025-freeze")
	require.Equal(t, "curl@every-policy/2025-freeze", r.Cells[1].String())
}

// What a tool wrote cannot move the terminal's cursor.
func TestTableIsHarmless(t *testing.T) {
	r := small()
	r.Cells[0].Why = "exited: \x1b[2J\r\x07 \u202e gone"
	var b bytes.Buffer
	require.NoError(t, r.WriteTable(&b, TableOptions{}))
	require.NotContains(t, b.String(), "\x1b")
	require.NotContains(t, b.String(), "\u202e")
}

func TestLivePlain(t *testing.T) {
	var b bytes.Buffer
	l := NewLive(&b, LiveOptions{})
	r := small()
	all := r.Cells
	for i := range all {
		r.Cells = all[:i+1]
		l.Update(Progress{Result: r, Done: i + 1, Of: 6, Cell: &all[i]})
		l.Update(Progress{Result: r, Done: i + 1, Of: 6, Running: []string{"curl@2026-home"}})
	}
	l.Clear()
	golden(t, "live.txt", b.Bytes())
}

// On a terminal each picture goes over the one before.
func TestLiveTerminal(t *testing.T) {
	var b bytes.Buffer
	l := NewLive(&b, LiveOptions{Terminal: true, Width: 100})
	r := small()
	all := r.Cells
	r.Cells = all[:2]
	l.Update(Progress{Result: r, Done: 2, Of: 6, Cell: &all[1], Running: []string{"curl@2026-home"}, Left: 95 * time.Second})
	first := b.String()
	lines := strings.Split(strings.ReplaceAll(first, "\x1b[K", ""), "\n")
	require.Equal(t, "curl          ✗ ◐~▸", strings.TrimSpace(lines[3]))
	require.Equal(t, "xray-reality  · · ·", strings.TrimSpace(lines[4]))
	require.Regexp(t, `^2/6  0\.\d s, about 95 s left  curl@2026-home$`, lines[5])
	b.Reset()
	l.Update(Progress{Result: r, Done: 2, Of: 6})
	require.True(t, strings.HasPrefix(b.String(), "\r\x1b[6A\x1b[J"), "%q", b.String())
	b.Reset()
	l.Clear()
	require.Equal(t, "\r\x1b[6A\x1b[J", b.String())
}

// A picture never has more lines than the terminal, and shows what is at hand.
func TestLiveFits(t *testing.T) {
	var b bytes.Buffer
	r := full()
	l := NewLive(&b, LiveOptions{Terminal: true, Width: 120, Height: 50})
	c := &r.Cells[len(r.Cells)-1]
	l.Update(Progress{Result: r, Done: 5, Of: len(r.Cells), Cell: c})
	require.LessOrEqual(t, strings.Count(b.String(), "\n"), 49)
	require.Contains(t, b.String(), c.Tool)
	require.Contains(t, b.String(), c.Policy)
	b.Reset()
	NewLive(&b, LiveOptions{Terminal: true, Width: 70, Height: 24}).Update(Progress{Result: r, Done: 5, Of: len(r.Cells), Cell: c})
	require.Contains(t, b.String(), c.Policy, "the block of columns that has the cell")
	require.Contains(t, b.String(), c.Tool)
	require.LessOrEqual(t, strings.Count(b.String(), "\n"), 23)
	b.Reset()
	NewLive(&b, LiveOptions{Terminal: true, Width: 120, Height: 24}).Update(Progress{Result: r, Done: 5, Of: len(r.Cells), Cell: c})
	require.Equal(t, 23, strings.Count(b.String(), "\n"), "rows without the names of columns")
	b.Reset()
	NewLive(&b, LiveOptions{Terminal: true, Width: 40, Height: 4}).Update(Progress{Result: r, Done: 5, Of: len(r.Cells)})
	require.Equal(t, 1, strings.Count(b.String(), "\n"), "no room for the table")
}

// Cells that differ in numbers alone have one reason, and a rule is one for whatever it did to speeds.
func TestReasonsAreGrouped(t *testing.T) {
	r := built([]string{"curl", "wget", "fetch"}, []string{"2024-youtube"})
	for i, why := range []string{
		"1.3 Mbit/s, 4 % of what it does without a box; rule videos (2024-youtube-1): police to 128 kbit/s, on tcp to cache (198.18.28.2:443) at packet 4. Source: NTC8055/2 (C)",
		"849 kbit/s, 2 % of what it does without a box; rule videos (2024-youtube-1): police to 128 kbit/s, on tcp to cache (198.18.28.2:443) at packet 6. Source: NTC8055/2 (C)",
		"849 kbit/s, 2 % of what it does without a box; nothing hit",
	} {
		c := &r.Cells[i]
		c.Status, c.Why, c.Runs = Degraded, why, []Run{{}}
		if i < 2 {
			c.Runs[0].Hits = []Hit{{Rule: "other", Policy: "2024-youtube-1"}, {Rule: "videos", Policy: "2024-youtube-1", Mechanism: "police to 128 kbit/s", Source: "NTC8055/2 (C)"}}
		}
	}
	all := r.reasons()
	require.Len(t, all, 2)
	require.Equal(t, "rule videos (2024-youtube-1): police to 128 kbit/s. Source: NTC8055/2 (C)", all[0].text)
	require.Equal(t, []string{"curl", "wget"}, all[0].tools)
	for a, b := range map[string]string{
		"silent after ClientHello (12 ms); nothing hit":          "silent after ClientHello (7.5 ms); nothing hit",
		"a flow to x itself: tcp 198.18.200.2:41887 → 1.2.3.4:4": "a flow to x itself: tcp 198.18.200.2:40000 → 1.2.3.4:4",
	} {
		_, x := (&Cell{Why: a}).general()
		_, y := (&Cell{Why: b}).general()
		require.Equal(t, x, y)
	}
}
