package matrix

import (
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/lab/probe"
	"dpilab/rules"
)

// triesOf makes tries: o reached the goal, s slowly, x did not, l leaked.
func triesOf(word string) []*try {
	var all []*try
	for _, c := range word {
		t := &try{kind: probe.OK, reached: c != 'x', slow: c == 's', Run: Run{Kind: "ok", Outcome: "ok", Goodput: 3e7, Handshake: 5, Flows: []Flow{{Packets: []Packet{{}}}}}}
		switch c {
		case 'x':
			t.kind, t.Kind, t.Outcome, t.Goodput = probe.Silent, "silent", "silent after ClientHello", 0
			t.hits = []hit{
				{mechanism: rules.MechanismPass, Hit: Hit{Rule: "lets-pass"}},
				{mechanism: rules.MechanismDrop, to: "tcp to x (203.0.113.34:443)", Hit: Hit{Rule: "names", Policy: "p", Mechanism: "drop up", Source: "IMC22 (P)", Packet: 4, Name: "x.com"}},
			}
		case 's':
			t.Goodput = 1e6
		case 'l':
			t.Leaks = []string{"a flow to x itself"}
		}
		all = append(all, t)
	}
	return all
}

// The majority decides where nothing is left to chance; where the policy draws, tries that differ are degraded; a leak is one.
func TestJudge(t *testing.T) {
	columns, err := columns([]string{"testdata/small/scenario.yaml"}, []string{"reset", "draw"})
	require.NoError(t, err)
	whole, draws := columns[0], columns[1]
	require.False(t, whole.chance())
	require.True(t, draws.chance())
	for _, c := range []struct {
		tries   string
		whole   Status
		draws   Status
		flakes  int
		reached int
	}{
		{"ooo", Open, Open, 0, 3},
		{"oox", Open, Degraded, 1, 2},
		{"oxx", Blocked, Degraded, 1, 1},
		{"xxx", Blocked, Blocked, 0, 0},
		{"ox", Degraded, Degraded, 1, 1},
		{"sss", Degraded, Degraded, 0, 0},
		{"sso", Degraded, Degraded, 1, 1},
		{"sox", Degraded, Degraded, 2, 1},
		{"ool", Leak, Leak, 0, 3},
		{"xxl", Leak, Leak, 1, 1},
	} {
		for column, want := range map[*Column]Status{whole: c.whole, draws: c.draws} {
			cell := &Cell{}
			judge(cell, column, triesOf(c.tries), []float64{3e7, 3.1e7, 2.9e7}, []float64{4e7})
			require.Equal(t, want, cell.Status, "%s, %s", c.tries, column.Phase.Name)
			require.Equal(t, []int{len(c.tries), c.reached, c.flakes}, []int{cell.Tries, cell.Reached, cell.Flakes}, c.tries)
			require.Equal(t, c.flakes > 0 || column == draws, cell.Interval != nil, c.tries)
			require.Equal(t, want == Open, cell.Why == "", cell.Why)
		}
	}
}

// The reason is the first rule that can have led to what came of the try.
func TestWhy(t *testing.T) {
	columns, err := columns([]string{"testdata/small/scenario.yaml"}, []string{"reset"})
	require.NoError(t, err)
	whyOf := func(all []*try) string {
		c := &Cell{}
		judge(c, columns[0], all, []float64{3e7}, nil)
		return c.Why
	}
	require.Equal(t, "silent after ClientHello; rule names (p): drop up, on tcp to x (203.0.113.34:443) at packet 4, x.com. Source: IMC22 (P)", whyOf(triesOf("xx")))
	require.Equal(t, "1.0 Mbit/s, 3 % of what it does without a box; nothing hit", whyOf(triesOf("ss")))
	require.Equal(t, "a flow to x itself", whyOf(triesOf("ol")))
	forged := triesOf("xx")
	for _, x := range forged {
		x.kind, x.Outcome = probe.NXDomain, "nxdomain"
	}
	forged[0].Log, forged[1].Log = "start\nlookup failed\n", "start\nlookup failed\n"
	require.Equal(t, "works without a box, and not with one that does nothing to it; nxdomain; nothing hit; the tool's log ends: lookup failed", whyOf(forged),
		"a box that drops makes no NXDOMAIN")
	c := &Cell{}
	judge(c, columns[0], forged, nil, nil)
	require.Equal(t, Broken, c.Status)
	forged[0].removed = "x.com"
	require.Equal(t, "nxdomain; the national resolver does not know x.com any more", whyOf(forged))
}

// Packets stay of the first try and of the first that failed.
func TestTrim(t *testing.T) {
	columns, err := columns([]string{"testdata/small/scenario.yaml"}, []string{"reset"})
	require.NoError(t, err)
	for tries, want := range map[string][]int{"oooo": {1, 0, 0, 0}, "ooxx": {1, 0, 1, 0}, "xxo": {1, 0, 0}, "ol": {1, 1}} {
		c := &Cell{}
		judge(c, columns[0], triesOf(tries), nil, nil)
		var kept []int
		for _, r := range c.Runs {
			kept = append(kept, len(r.Flows[0].Packets))
		}
		require.Equal(t, want, kept, tries)
	}
}

func TestLogs(t *testing.T) {
	require.Equal(t, "b\n", since("a\nb\n", 2))
	require.Equal(t, "b\n", since("b\n", 9), "its beginning was cut off")
	require.Equal(t, "; the tool's log ends: b c", lastLine("a\nb\tc\n\n", 0))
	require.Empty(t, lastLine("a\n", 2))
	require.Equal(t, "xray+ws", fileName("xray/ws"))
}

func TestRunnable(t *testing.T) {
	require.Equal(t, 3, parseRunnable("0.20 0.18 0.12 3/80 11206\n"))
	for _, bad := range []string{"", "1 2 3", "1 2 3 x/y 4", "1 2 3 -4/5 6"} {
		require.Zero(t, parseRunnable(bad), bad)
	}
	require.Positive(t, runnable(), "this test")
	require.Positive(t, freeMemory())
	require.Positive(t, DefaultLabs())
}
