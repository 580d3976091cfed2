package bench

import (
	"fmt"
	"math"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"dpilab/dpi"
	"dpilab/dpi/packet"
)

// engine measures the engine alone, on packets that are made for it.
func (r *runner) engine() error {
	file, err := r.policies.file(names10)
	if err != nil {
		return err
	}
	for round := range r.aloneRounds() {
		r.tell(round, "engine", r.aloneRounds()-round)
		x, err := r.alone(job{Kind: "engine", Policy: file, Names: namesFrom(0, 1), Count: 1_000_000, For: r.o.Duration / 5})
		if err != nil {
			return err
		}
		for _, row := range []string{"known", "known_1m", "new", "hello", "quic"} {
			r.samples.set("engine_"+row, "ns", round, x.Values[row])
		}
		r.samples.set("engine_allocations", "in all of these", round, x.Values["allocations"])
	}
	for _, row := range []string{"known", "new", "hello", "quic"} {
		v, ok := r.samples.median("engine_" + row)
		r.ratio("engine_"+row+"_ns", v, ok)
	}
	v, ok := r.samples.median("engine_allocations")
	r.ratio("engine_allocations", v, ok)
	return nil
}

// flows measures a million flows: what they take, and how long the engine is away while it forgets them.
func (r *runner) flows() error {
	file, err := r.policies.file(names10)
	if err != nil {
		return err
	}
	for round := range r.aloneRounds() {
		r.tell(round, "a million flows", r.aloneRounds()-round)
		x, err := r.alone(job{Kind: "flows", Policy: file, Count: 1_000_000})
		if err != nil {
			return err
		}
		r.samples.set("flows_bytes", "bytes each", round, x.Values["bytes"])
		r.samples.set("flows_pause", "ms", round, x.Values["pause"])
		r.samples.set("flows_pause_wall", "ms", round, x.Values["wall"])
	}
	v, ok := r.samples.median("flows_bytes")
	r.ratio("flow_bytes", v, ok)
	v, ok = r.samples.median("flows_pause")
	r.ratio("flow_pause_ms", v, ok)
	return nil
}

// engineWarm is how many flows are opened, or packets handled, before any is timed: until as many flows end as begin.
const engineWarm = 200_000

// timeEngine times an engine under Policy, which blocks the first of Names, for so long each: what a packet of a known flow takes (of few,
// and of Count), a SYN of a new one, and hellos of flows of their own, up to the rule that hits. Nanoseconds, and allocations of all of these together.
func timeEngine(j job) (answer, error) {
	c, err := compile(j.Policy)
	if err != nil {
		return answer{}, err
	}
	hello, err := helloStrangers(j.Names[0])
	if err != nil {
		return answer{}, err
	}
	quic, err := quicStrangers(j.Names[0])
	if err != nil {
		return answer{}, err
	}
	x := answer{Values: map[string]float64{}}
	data := stranger(packet.AppendTCP(nil, aloneClient, aloneServer, 2, 1, packet.ACK, 64, make([]byte, 1200)))
	for _, o := range []struct {
		name    string
		flows   int           // that are known before; 0: each is new
		step    time.Duration // of the box's clock, from one to the next
		packets [][]stranger
	}{
		{"known", 256, 100, [][]stranger{{data}}},
		{"known_1m", j.Count, 100, [][]stranger{{data}}},
		{"new", 0, time.Millisecond, [][]stranger{{synStranger()}}},
		{"hello", 0, 10 * time.Millisecond, hello},
		{"quic", 0, 10 * time.Millisecond, quic},
	} {
		e := dpi.New(dpi.Options{Policy: c})
		now, out, flow, next := time.Hour, make([]dpi.Verdict, 0, 8), 0, 0
		one := func() { // it counts, and divides nothing: what it does itself is timed as well
			now += o.step
			for _, p := range o.packets[next] {
				out = e.Handle(now, p.from(flow), out[:0])
			}
			if flow++; flow == o.flows {
				flow = 0
			}
			if next++; next == len(o.packets) {
				next = 0
			}
		}
		for range max(o.flows, engineWarm) {
			one()
		}
		x.time(o.name, j.For, one)
		if s := e.Stats(); len(o.packets) > 1 && s.Hit != s.Opened {
			return x, fmt.Errorf("%s: the rule hit %d of %d flows", o.name, s.Hit, s.Opened)
		}
	}
	x.Values["allocations"] = math.Round(x.Values["allocations"]*1000) / 1000 // the runtime's own are few
	return x, nil
}

// time notes how long one takes and adds what was allocated meanwhile.
func (x *answer) time(name string, long time.Duration, one func()) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	each, n := timed(long, one)
	runtime.ReadMemStats(&after)
	x.Values[name] = each
	x.Values["allocations"] += float64(after.Mallocs-before.Mallocs) / float64(n)
}

// timed gives how many nanoseconds of its thread's time one takes, done again and again for so long, and how often it was done.
func timed(long time.Duration, one func()) (each float64, n int) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	start, took := threadTime(), time.Duration(0)
	for took < long {
		for range 1000 {
			one()
		}
		n += 1000
		took = threadTime() - start
	}
	return float64(took.Nanoseconds()) / float64(n), n
}

// fillFlows opens Count flows in one second of the box's time and lets all of them expire in one other, while packets come: bytes each,
// and the longest call in milliseconds, of the thread's own time and by the clock on the wall.
func fillFlows(j job) (answer, error) {
	runtime.LockOSThread()
	c, err := compile(j.Policy)
	if err != nil {
		return answer{}, err
	}
	before := heap()
	e := dpi.New(dpi.Options{Policy: c})
	p, out, now := synStranger(), make([]dpi.Verdict, 0, 8), time.Hour
	var longest, wall time.Duration
	call := func(f func()) {
		began, at := threadTime(), time.Now()
		f()
		longest, wall = max(longest, threadTime()-began), max(wall, time.Since(at))
	}
	for n := range j.Count {
		call(func() { out = e.Handle(now, p.from(n), out[:0]) })
	}
	if s := e.Stats(); s.Open != j.Count {
		return answer{}, fmt.Errorf("%d flows are open, expected %d", s.Open, j.Count)
	}
	each := float64(heap()-before) / float64(j.Count)
	for now += time.Hour; e.Stats().Open > 1; now += time.Millisecond {
		call(func() { out = e.Advance(now, out[:0]) })
		call(func() { out = e.Handle(now, p.from(0), out[:0]) })
	}
	return answer{Values: map[string]float64{"bytes": each, "pause": millis(longest), "wall": millis(wall)}}, nil
}

// heap gives the bytes of what is in use.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// threadTime is how long the calling thread has run: what else the machine does is not in it.
func threadTime() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
