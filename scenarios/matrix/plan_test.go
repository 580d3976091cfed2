package matrix

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/lab/probe"
	"dpilab/scenarios/tools"
)

// All shards together are the plan, each cell once, and none has much more than another.
func TestShardsAreThePlan(t *testing.T) {
	for range 200 {
		of, tools, columns := 1+rand.IntN(9), rand.IntN(30), rand.IntN(30)
		sizes := make([]int, of)
		for i := range tools {
			for j := range columns {
				n := 0
				for k := range of {
					if (Shard{k + 1, of}).has(i, j, tools) {
						n++
						sizes[k]++
					}
				}
				require.Equal(t, 1, n)
				require.True(t, Shard{}.has(i, j, tools))
			}
		}
		most, least := sizes[0], sizes[0]
		for _, n := range sizes {
			most, least = max(most, n), min(least, n)
		}
		require.LessOrEqual(t, most-least, of, "%d tools and %d columns on %d shards: %v", tools, columns, of, sizes)
	}
}

func TestParseShard(t *testing.T) {
	s, err := ParseShard("2/4")
	require.NoError(t, err)
	require.Equal(t, Shard{2, 4}, s)
	require.Equal(t, "2/4", s.String())
	for _, bad := range []string{"", "2", "0/4", "5/4", "2/0", "0/0", "-1/4", "2/4/8", "a/b", "1/99999"} {
		_, err := ParseShard(bad)
		require.ErrorContains(t, err, "such as 2/4", bad)
	}
}

// Names that lead to nothing are said with what there is.
func TestPlanErrors(t *testing.T) {
	small := []string{"testdata/small/scenario.yaml"}
	for want, s := range map[string]Selection{
		`no phase has the policy "resett", expected slow, reset, silent, forged or draw; did you mean "reset"?`: {Scenarios: small, Policies: []string{"resett"}},
		`no tool of the name "dirct" ships`: {Scenarios: small, Tools: []string{"dirct"}},
		`no tool that ships matches "zzz*"`: {Scenarios: small, Tools: []string{"zzz*"}},
		`the scenario is not for tools`:     {Scenarios: []string{"two-filters"}},
		`no scenario of this name ships`:    {Scenarios: []string{"every-polic"}},
		`found the shard 5 of 4`:            {Shard: Shard{5, 4}},
	} {
		_, err := NewPlan(s)
		require.ErrorContains(t, err, want, fmt.Sprint(s))
	}
}

// Globs and names choose phases in the order of the scenario.
func TestColumns(t *testing.T) {
	all, err := columns([]string{"testdata/small/scenario.yaml"}, []string{"s*", "forged"})
	require.NoError(t, err)
	var names []string
	for _, c := range all {
		names = append(names, c.Phase.Name)
	}
	require.Equal(t, []string{"slow", "silent", "forged"}, names)
	require.Len(t, all[1].Goals, 2)
	require.Equal(t, "Twitter", all[1].goalFor(&fakeTools()["direct"].Tool).Name)
	require.Equal(t, "Twitter over QUIC", all[1].goalFor(&fakeTools()["quic"].Tool).Name)
	require.Nil(t, all[0].goalFor(&fakeTools()["quic"].Tool))
	browser := &tools.Tool{Carries: []probe.Type{probe.TypeHTTPS}}
	page := all[1].goalFor(browser)
	require.Equal(t, "Twitter", page.Name)
	require.Equal(t, probe.TypeHTTPS, page.Type)
	require.Same(t, page, all[2].goalFor(browser)) // and so its reference and its yardstick are measured once

	v, err := newView(all[0].Scenario.Topology, "client")
	require.NoError(t, err)
	require.Equal(t, []string{"isp/uplink", "border/uplink", "client/access", "isp"}, append(v.lines[:0:0], v.inner, v.outer, v.lines[0], v.router))
	require.Equal(t, "example.org", coverOf(all[0].Scenario, v, "server"), "abroad, with HTTPS, and in no list")
	require.Equal(t, "", coverOf(all[0].Scenario, v, "client"), "which asks another resolver")
}

func TestSpreads(t *testing.T) {
	require.Equal(t, Spread{}, spreadOf([]float64{0, 0}))
	require.Equal(t, Spread{2.5, 1, 4}, spreadOf([]float64{4, 0, 1, 3, 2}))
	require.InDeltaSlice(t, []float64{0.4385, 1}, wilsonOf(3, 3), 0.001) // Newcombe (1998), by the same formula
	require.InDeltaSlice(t, []float64{0, 0.5615}, wilsonOf(0, 3), 0.001)
	require.Equal(t, []float64{0, 1}, wilsonOf(0, 0))
}

func wilsonOf(k, n int) []float64 {
	w := wilson(k, n)
	return w[:]
}
