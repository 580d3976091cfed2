package dpi

import (
	"runtime"
	"runtime/metrics"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"dpilab/dpi/packet"
)

// busy is the time that this thread has run, so that what else the machine does counts for nothing.
func busy() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// million opens a million flows, one SYN each, all in one second of the box's time, and gives the longest Handle.
func million(tb testing.TB, e *Engine, now time.Duration) (longest time.Duration) {
	p := benchStranger{packet.AppendTCP(nil, benchClient, benchServer, 1, 0, syn, 64, nil)}
	out := make([]Verdict, 0, 4)
	for n := range 1_000_000 {
		start := busy()
		out = e.Handle(now, p.from(n), out[:0])
		longest = max(longest, busy()-start)
	}
	require.Equal(tb, 1_000_000, e.Stats().Open)
	return longest
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// BenchmarkMillionFlows opens a million flows and lets all of them expire at once: what they take, all included, the longest calls, and
// the longest that a garbage collection stopped everything.
func BenchmarkMillionFlows(b *testing.B) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for b.Loop() {
		before := heap()
		e := New(Options{Policy: policyOf(b, enginePolicy)})
		now := time.Hour
		opening := million(b, e, now)
		each := float64(heap()-before) / 1e6
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		pause := slices.Max(stats.PauseNs[:]) // of the last 256 collections, in which the world stood still

		now += 2 * time.Hour
		out, expiring, calls := make([]Verdict, 0, 4), time.Duration(0), 0
		for ; e.Stats().Open > 0; calls++ {
			start := busy()
			out = e.Advance(now, out[:0])
			expiring = max(expiring, busy()-start)
		}
		b.ReportMetric(each, "B/flow")
		b.ReportMetric(float64(opening.Microseconds()), "us-longest-Handle")
		b.ReportMetric(float64(expiring.Microseconds()), "us-longest-Advance")
		b.ReportMetric(float64(pause)/1000, "us-longest-GC-pause")
		b.ReportMetric(float64(calls), "Advances")
		runtime.KeepAlive(e)
	}
}
