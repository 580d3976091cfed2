package matrix

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/scenarios/tools"
)

// What is kept of a try is a capture of both ends of the box's link, its events and the tool's log, where the result says.
func TestKeep(t *testing.T) {
	f := fakeTools()
	dir := t.TempDir()
	r, err := smallPlan(t, f, []string{"reset"}, "direct").Run(t.Context(), Options{Repeat: 2, Seed: 7, Keep: dir, with: f})
	require.NoError(t, err)
	c := cellNamed(t, r, "direct@reset")
	require.Equal(t, Blocked, c.Status)
	for i, run := range c.Runs {
		require.Equal(t, filepath.Join("direct", "small", "reset", []string{"1", "2"}[i]), run.Kept)
		require.Equal(t, uint64(7+i), run.Seed)
		for _, face := range []string{"isp/uplink", "border/uplink", "client/access"} {
			_, link, _ := strings.Cut(face, "/")
			got, err := readSeen(filepath.Join(dir, run.Kept, link+".pcapng"), face, nil)
			require.NoError(t, err)
			require.NotEmpty(t, got, face)
		}
		events, err := os.ReadFile(filepath.Join(dir, run.Kept, "events.jsonl"))
		require.NoError(t, err)
		require.Contains(t, string(events), `"phase":"reset","box":"box"`)
		log, err := os.ReadFile(filepath.Join(dir, run.Kept, "tool.log"))
		require.NoError(t, err)
		require.Equal(t, []string{"start 2\n", "start 3\n"}[i], string(log), "of this try alone; the first start was the reference's")
	}
}

// A run that is ended keeps what it has, says so, and leaves nothing behind.
func TestInterrupted(t *testing.T) {
	f := fakeTools()
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	r, err := smallPlan(t, f, []string{"reset", "silent", "forged"}, "direct", "tunnel").Run(ctx, Options{Repeat: 1, Labs: 1, with: f, Update: func(p Progress) {
		require.NotNil(t, p.Result)
		require.Equal(t, 6, p.Of)
		if p.Cell != nil {
			cancel(enough)
		}
	}})
	require.ErrorIs(t, err, enough)
	require.True(t, r.Partial)
	require.Len(t, r.Cells, 6, "those that it did not come to, too")
	require.Equal(t, Blocked, r.Cells[0].Status)
	require.Equal(t, Skipped, r.Cells[5].Status)
	require.Equal(t, "the run ended before", r.Cells[5].Why)
	left, err := filepath.Glob(filepath.Join(workDir, "matrix-*"))
	require.NoError(t, err)
	require.Empty(t, left)
	require.NoError(t, r.check())
}

// What is missing is skipped with its reason, or, where it is required, named all at once before anything runs.
func TestRequire(t *testing.T) {
	f := fakeTools()
	f["gone"] = &fake{Tool: tools.Tool{Name: "gone", Carries: tcpGoals}, missing: "/dev/net/tun cannot be opened"}
	p := smallPlan(t, f, []string{"reset"}, "absent", "gone")
	r, err := p.Run(t.Context(), Options{Repeat: 1, with: f, Require: true})
	require.Nil(t, r)
	require.EqualError(t, err, "what tools need is missing: absent: absent is not on PATH; gone: /dev/net/tun cannot be opened")
	var missing *MissingError
	require.ErrorAs(t, err, &missing)
	r, err = p.Run(t.Context(), Options{Repeat: 1, with: f})
	require.NoError(t, err)
	require.Equal(t, map[string]Status{"absent@reset": Skipped, "gone@reset": Skipped}, statuses(r))
}

// A phase in which no block is seen says nothing of a tool.
func TestProofFails(t *testing.T) {
	f := fakeTools()
	p := smallPlan(t, f, []string{"reset"}, "tunnel")
	broken := *p.Columns[0]
	phase := *broken.Phase
	phase.Policies = nil // and so no box
	broken.Phase = &phase
	all := *broken.Scenario
	all.Phases = append(all.Phases[:0:0], phase)
	broken.Scenario = &all
	p.Columns = []*Column{&broken}
	r, err := p.Run(t.Context(), Options{Repeat: 1, with: f})
	require.NoError(t, err)
	require.Equal(t, Broken, r.Cells[0].Status)
	require.Contains(t, r.Cells[0].Why, "the phase: Twitter was ")
	require.Contains(t, r.Phases[0].Broken, "without a tool, expected reset after ClientHello")
}
