package dpi

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

// leaky is the policer's obvious twin: a bucket that fills.
type leaky struct {
	level, rate, burst float64
	at                 time.Duration
}

func (b *leaky) conforms(now time.Duration, n int) bool {
	b.level = min(b.burst, b.level+b.rate*(now-b.at).Seconds())
	b.at = now
	if b.level < float64(n) {
		return false
	}
	b.level -= float64(n)
	return true
}

// B03, B05, B17: in no stretch of time more passes than rate times time and the burst, and what passes is what fits a bucket.
func TestPolicerAgainstTwin(t *testing.T) {
	for _, do := range []rules.Do{
		{Rate: 650, Burst: 1500}, // SNI-III, a burst of one packet
		{Rate: 17500, Burst: 16000},
		{Rate: 16000, Burst: 1500},
		{Rate: 3, Burst: 1500},
		{Rate: 125_000_000, Burst: 1 << 20},
		{Rate: 7_777_777, Burst: 1 << 40},
	} {
		r := rand.New(rand.NewPCG(5, uint64(do.Rate)))
		type pass struct {
			at time.Duration
			n  int
		}
		var passed []pass
		var bucket atomicTime
		now := time.Hour
		twin := leaky{level: float64(do.Burst), rate: float64(do.Rate), burst: float64(do.Burst), at: now}
		gap := 3 * 800 * int64(time.Second) / do.Rate // offered: about the rate, in fits
		for range 3000 {
			if r.IntN(3) > 0 {
				now += time.Duration(r.Int64N(gap + 1))
			}
			n := 20 + r.IntN(1481)
			before := twin
			want := before.conforms(now, n)
			got := bucket.conforms(now, n, &do)
			if want != got {
				twin.conforms(now, 0)
				require.InDelta(t, float64(n), twin.level, 1e-3, "they may differ only at the very edge")
			}
			if got {
				passed = append(passed, pass{now, n})
				twin.conforms(now, 0)
				twin.level -= float64(n)
			}
		}
		require.NotEmpty(t, passed)
		for i := range passed {
			sum := int64(0)
			for _, p := range passed[i:min(len(passed), i+300)] {
				sum += int64(p.n)
				if fits := float64(do.Rate)*(p.at-passed[i].at).Seconds() + float64(do.Burst); float64(sum) > fits*(1+1e-12) {
					t.Fatalf("%d bytes in %v, of %v that fit", sum, p.at-passed[i].at, fits)
				}
			}
		}
	}
}

func TestPolicerAtItsEdges(t *testing.T) {
	var b atomicTime
	require.False(t, b.conforms(time.Hour, 1501, &rules.Do{Rate: 650, Burst: 1500}), "larger than the bucket")
	require.True(t, b.conforms(time.Hour, 1500, &rules.Do{Rate: 650, Burst: 1500}))
	require.True(t, new(atomicTime).conforms(1<<62, 1500, &rules.Do{Rate: 1, Burst: 1 << 62}))
	require.False(t, new(atomicTime).conforms(time.Hour, 1500, &rules.Do{}))
}

// All flows of a subscriber share the buckets, each direction its own; another subscriber has others.
func TestPoliceSubscriber(t *testing.T) {
	do := rules.Do{Mechanism: rules.MechanismPolice, Rate: 17500, Burst: 16000, Subscriber: true}
	w := wireOf(t, doing(t, "to: 203.0.113.0/24", do))
	flows := []*wire{}
	for range 4 {
		x := *w.flow()
		flows = append(flows, &x)
	}
	start, passed := w.now, 0
	for i := range 20_000 {
		x := flows[i%4]
		x.now = start + time.Duration(i)*time.Millisecond
		if x.down(answer) == Accept {
			passed += len(answer) + 40
		}
	}
	require.InEpsilon(t, 20*17500+16000, passed, 0.01)
	require.Equal(t, Accept, flows[0].up(answer))
	w.client = netip.MustParseAddrPort("198.51.100.3:1")
	w.now = flows[3].now
	require.Equal(t, Accept, w.down(answer))
}

// Engines on goroutines of their own share a subscriber's buckets. Meant for -race as well.
func TestPoliceSubscriberOfManyEngines(t *testing.T) {
	do := rules.Do{Mechanism: rules.MechanismPolice, Rate: 1000, Burst: 150_000, Subscriber: true}
	c, shared := doing(t, "to: 203.0.113.0/24", do), NewShared()
	var passed atomic.Int64
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			e := New(Options{Policy: c, Shared: shared, Worker: worker})
			client := netip.AddrPortFrom(netip.MustParseAddr("198.51.100.2"), uint16(1000+worker))
			for range 500 {
				data := packet.AppendUDP(nil, client, netip.MustParseAddrPort("203.0.113.2:443"), 64, answer)
				if e.Handle(time.Hour, Packet{Dir: rules.Up, Data: data}, nil)[0].Action == Accept {
					passed.Add(int64(len(data)))
				}
			}
		})
	}
	all.Wait()
	require.LessOrEqual(t, passed.Load(), int64(150_000))
	require.Greater(t, passed.Load(), int64(150_000-1300))
}
