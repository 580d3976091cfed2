package scenarios

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/lab"
	"dpilab/lab/probe"
)

// The shipped scenarios come out as their files say, on real packets.
func TestShipped(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	live(t)
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			s, err := Open(name)
			require.NoError(t, err)
			report, err := Run(t.Context(), Options{Scenario: s, Seed: 1})
			require.NoError(t, err)
			var table bytes.Buffer
			require.NoError(t, report.WriteTable(&table, TableOptions{}))
			t.Logf("\n%s", &table)
			require.True(t, report.OK())
		})
	}
}

// live skips a test that needs a lab where the kernel cannot give one, and says what it lacks.
func live(t *testing.T) {
	t.Helper()
	if err := lab.Missing(); err != nil {
		t.Skip(err)
	}
}

func quick(t *testing.T) *Scenario {
	t.Helper()
	live(t)
	s, err := Open("testdata/quick.yaml")
	require.NoError(t, err)
	return s
}

// A run says what happened, why, and what was wrong, and leaves its events and captures where they were asked for.
func TestRun(t *testing.T) {
	var events bytes.Buffer
	var steps []Progress
	var kept []string
	pcap := t.TempDir()
	report, err := Run(t.Context(), Options{
		Scenario: quick(t), Events: &events, Pcap: pcap,
		Progress: func(p Progress) { steps = append(steps, p) },
		Keep: func(_ context.Context, k Kept) error {
			kept = append(kept, k.Phase)
			require.NotNil(t, k.Lab.Host(k.Client))
			return nil
		},
	})
	require.NoError(t, err)
	cells := map[string][]Cell{}
	for _, p := range report.Probes {
		cells[p.Name] = p.Cells
		for i, c := range p.Cells {
			require.Equal(t, p.Name == "wrong" && i == 1, c.wrong(), "%s, %s: %s", p.Name, report.Phases[i].Name, c.Outcome)
		}
	}
	require.Equal(t, []string{"full"}, kept, "only where something is wrong")
	require.Equal(t, probe.Skipped, cells["missing"][0].Outcome.Kind)
	require.Equal(t, "x-tls", cells["reset"][0].Why.Rule)
	require.Equal(t, "x.com", cells["reset"][0].Why.Name)
	require.Equal(t, "whatsapp-names-tls", cells["silent"][1].Why.Rule)
	require.Equal(t, "whatsapp.com", cells["gone"][1].Why.Removed)
	require.Equal(t, "whatsapp-proxies", cells["proxy later"][1].Why.Rule)
	require.False(t, cells["proxy later"][0].Tried)
	require.Nil(t, cells["refused"][0].Why)

	last := steps[len(steps)-1]
	require.Equal(t, Progress{Phase: "full", Number: 2, Of: 2, Done: last.Probes, Probes: last.Probes, Last: last.Last}, last)

	seen := map[string]bool{}
	for lines := bufio.NewScanner(&events); lines.Scan(); {
		var e Event
		require.NoError(t, json.Unmarshal(lines.Bytes(), &e))
		require.NotEmpty(t, e.Phase)
		require.NotEmpty(t, e.Rule)
		seen[e.Kind+" "+e.Probe] = true
	}
	require.True(t, seen["hit reset"] && seen["rewrite reset"] && seen["hit silent"] && seen["drop silent"], "%v", seen)
	for _, link := range quick(t).Topology.Links {
		info, err := os.Stat(filepath.Join(pcap, link.Name+".pcapng"))
		require.NoError(t, err)
		require.NotZero(t, info.Size())
	}
}

func TestRunOnlyThePhasesAskedFor(t *testing.T) {
	report, err := Run(t.Context(), Options{Scenario: quick(t), Phases: []string{"home"}})
	require.NoError(t, err)
	require.Len(t, report.Phases, 1)
	require.True(t, report.OK())
	_, err = Run(t.Context(), Options{Scenario: quick(t), Phases: []string{"hom"}})
	require.EqualError(t, err, `testdata/quick.yaml: found no phase "hom", expected home or full; did you mean "home"?`)
}

func TestRunEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	_, err := Run(ctx, Options{Scenario: quick(t), Progress: func(p Progress) {
		if p.Number == 2 {
			cancel(enough)
		}
	}})
	require.ErrorIs(t, err, enough)
}

// Boxes have policies of their own; one without a policy is a wire.
func TestRunOfTwoBoxes(t *testing.T) {
	live(t)
	s, err := Open("testdata/two-boxes")
	require.NoError(t, err)
	var events bytes.Buffer
	report, err := Run(t.Context(), Options{Scenario: s, Seed: 1, Events: &events})
	require.NoError(t, err)
	var table bytes.Buffer
	require.NoError(t, report.WriteTable(&table, TableOptions{}))
	require.True(t, report.OK(), "\n%s", &table)
	require.Equal(t, "box 2025-home, filter filter", report.Phases[1].Policy)
	for i, want := range []int{1, 2, 1} {
		require.Len(t, report.Phases[i].Boxes, want)
		for _, b := range report.Phases[i].Boxes {
			require.NotZero(t, b.Received, b.Box)
		}
	}
	require.Contains(t, events.String(), `"phase":"both","box":"filter"`)
	require.Contains(t, events.String(), `"phase":"both","box":"box"`)
	var out bytes.Buffer
	require.NoError(t, report.WriteJSON(&out))
	var j struct {
		Phases []struct {
			Boxes map[string]struct{ Queued int }
		}
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &j))
	require.Empty(t, j.Phases[0].Boxes)
	require.NotZero(t, j.Phases[1].Boxes["filter"].Queued)
}
