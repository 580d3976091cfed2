package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/lab"
	"dpilab/rules"
)

// live skips a test that needs a lab where the kernel cannot give one, and says what it lacks.
func live(t *testing.T) {
	t.Helper()
	if err := lab.Missing(); err != nil {
		t.Skip(err)
	}
}

// short runs benchmarks for as little time as they can, and wants that nothing failed.
func short(t *testing.T, names ...string) *Report {
	t.Helper()
	live(t)
	var seen []Progress
	r, err := Run(t.Context(), Options{
		Names: names, Rounds: 2, Duration: 50 * time.Millisecond, Domains: 2000, OpenGFW: "off",
		Progress: func(p Progress) { seen = append(seen, p) },
	})
	require.NoError(t, err)
	require.Empty(t, r.Failed)
	require.True(t, r.OK())
	require.NotEmpty(t, seen)
	for _, row := range r.Rows {
		if row.Name != "engine_allocations" {
			require.Positive(t, row.Median, row.Name)
		}
		require.LessOrEqual(t, row.Min, row.Median, row.Name)
		require.LessOrEqual(t, row.Median, row.Max, row.Name)
	}
	return r
}

func (r *Report) names() (all []string) {
	for _, row := range r.Rows {
		all = append(all, row.Name)
	}
	return all
}

func TestPolicedOnTheWire(t *testing.T) {
	live(t)
	o := Options{Rounds: 1}
	require.NoError(t, o.defaults())
	r := newRunner(t.Context(), o, t.TempDir())
	defer r.close()
	policing := func(p *policies) (*rules.Compiled, error) { return p.policing() }
	var worst [2]float64
	for i, name := range []string{"policed", "wire"} {
		p := boxPath(name, policing, lab.BoxOptions{})
		if name == "wire" {
			p = wirePath(name)
		}
		require.NoError(t, r.rounds(1, []path{p}, func(path, running, int) (err error) {
			worst[i], err = r.policeLive(300*time.Millisecond, 700*time.Millisecond)
			return err
		}))
	}
	require.Empty(t, r.failed)
	require.Positive(t, worst[0])
	require.Greater(t, worst[1], 50.0, "on the bare wire twice the rate arrives")
}

func TestPathsOnTheWire(t *testing.T) {
	r := short(t, "wire", "connections", "bulk", "queued", "latency")
	require.Subset(t, r.names(), []string{
		"wire_connections", "wire_bulk", "wire_p50", "connections_wire", "connections_10", "connections_2k", "connections_every", "connections_rules", "connections_gonfqueue",
		"bulk_wire", "bulk_offloaded", "bulk_gonfqueue", "queued_dpilab", "queued_gonfqueue", "queued_dpilab_cpu",
		"latency_wire_p50", "latency_dpilab_p99", "latency_gonfqueue_p99",
	})
	for _, name := range []string{
		"connections_2k_vs_wire", "connections_2k_vs_10", "bulk_offloaded_vs_wire", "queued_gbit", "cpu_us_bulk", "cpu_us_connections",
		"latency_added_p50_us", "latency_added_p99_us",
	} {
		require.Contains(t, r.Ratios, name)
	}

	var table, out bytes.Buffer
	require.NoError(t, r.WriteTable(&table))
	require.Contains(t, table.String(), "target: at least 0.95")
	require.NoError(t, r.WriteJSON(&out))
	var back map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &back))
	for _, key := range []string{"machine", "rounds", "seconds", "domains", "rows", "ratios", "targets", "missed"} {
		require.Contains(t, back, key)
	}
	for _, row := range back["rows"].([]any) {
		for _, key := range []string{"name", "unit", "min", "median", "max"} {
			require.Contains(t, row, key)
		}
	}
}

func TestWhatRunsAlone(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long")
	}
	r := short(t, "engine", "lookup", "load")
	for _, name := range []string{
		"engine_known_ns", "engine_new_ns", "engine_hello_ns", "engine_quic_ns", "lookup_10_ns", "lookup_10_hot_ns", "lookup_prefix_ns", "lookup_prefix_hot_ns", "load_text_s", "load_compiled_ms",
	} {
		require.Positive(t, r.Ratios[name], name)
	}
}

// Policies change under connections: none is lost, and each flow has the verdict of its own policy, or the run says that it has not.
func TestReload(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long")
	}
	live(t)
	r, err := Run(t.Context(), Options{Names: []string{"reload"}, Rounds: 1, Duration: 700 * time.Millisecond, Domains: 2000})
	require.NoError(t, err)
	require.Empty(t, r.Failed)
	require.Subset(t, r.names(), []string{"reload_still_p99", "reload_p99", "reload_max", "reload_read", "reload_lost", "reload_connections"})
	require.Contains(t, r.Ratios, "reload_p99_ms")
	require.Zero(t, r.Ratios["reload_lost"])

	o := Options{Rounds: 1, Duration: 300 * time.Millisecond, Domains: 100}
	require.NoError(t, o.defaults())
	x := newRunner(t.Context(), o, t.TempDir())
	defer x.close()
	first, err := x.policies.file(100)
	require.NoError(t, err)
	err = x.along([]path{boxPath("reload", x.large, lab.BoxOptions{})}, func(_ path, b running, round int) error {
		_, err := x.whileReloading(b.(box).Box, [2]string{first, first}, round, func() (answer, error) {
			time.Sleep(4 * o.Duration)
			return answer{}, nil
		})
		return err
	})
	require.NoError(t, err)
	require.Len(t, x.failed, 1)
	require.Contains(t, x.failed[0].Text, "do not get the verdict of the policy in place")
}

// A path that does not do what it is measured for gives no figures, and the report is not in order.
func TestWhatDoesNotBlockFails(t *testing.T) {
	live(t)
	o := Options{Names: []string{"connections"}, Rounds: 1, Duration: 20 * time.Millisecond, Domains: 20}
	require.NoError(t, o.defaults())
	r := newRunner(t.Context(), o, t.TempDir())
	defer r.close()
	err := r.along([]path{wirePath("connections_sham")}, func(p path, _ running, round int) error {
		r.samples.set(p.name, "connections/s", round, 1)
		return r.checkNames(p.name, box{}, round)
	})
	require.NoError(t, err)
	x := r.report()
	require.False(t, x.OK())
	require.Contains(t, x.Failed[0].Text, "is not blocked")
	require.Empty(t, x.Rows)
	require.Empty(t, x.Notes)
	// An engine that decides beside the packets may let some through, and not all.
	require.ErrorContains(t, r.checkNames("sham", (*openGFW)(nil), 0), "is not blocked")
	require.Equal(t, []Remark{{"sham", "some connections to listed names got through"}}, r.report().Notes)
}

func TestRunEndsWithItsContext(t *testing.T) {
	live(t)
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	begun := make(chan struct{}, 1)
	go func() {
		<-begun
		cancel()
	}()
	_, err := Run(ctx, Options{Names: []string{"wire"}, Rounds: 1000, Progress: func(Progress) {
		select {
		case begun <- struct{}{}:
		default:
		}
	}})
	require.ErrorIs(t, err, context.Canceled)
	left, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestProfiles(t *testing.T) {
	live(t)
	folder := filepath.Join(t.TempDir(), "new")
	_, err := Run(t.Context(), Options{Names: []string{"bulk"}, Rounds: 1, Duration: 50 * time.Millisecond, Domains: 20, OpenGFW: "off", Profiles: folder})
	require.NoError(t, err)
	i, err := os.Stat(filepath.Join(folder, "bulk_offloaded.pprof"))
	require.NoError(t, err)
	require.Positive(t, i.Size())
	_, err = os.Stat(filepath.Join(folder, "bulk_wire.pprof"))
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestOptions(t *testing.T) {
	for want, o := range map[string]Options{
		"no benchmark is called": {Names: []string{"wires"}},
		"rounds: found -1":       {Rounds: -1},
		"duration: found 1ns":    {Duration: 1},
		"domains: found 3":       {Domains: 3},
	} {
		require.ErrorContains(t, o.Check(), want)
	}
	require.NoError(t, Options{}.Check())
	require.True(t, Options{}.NeedsOpenGFW())
	require.False(t, Options{Names: []string{"wire", "flood"}}.NeedsOpenGFW())
	require.True(t, Options{Names: []string{"wire", "queued"}}.NeedsOpenGFW())
}
