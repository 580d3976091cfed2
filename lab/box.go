package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"dpilab/dpi"
	"dpilab/dpi/nfq"
	"dpilab/rules"
)

// BoxOptions are settings of one box. Policy is required.
type BoxOptions struct {
	Policy  *rules.Compiled
	Seed    uint64           // of every chance that the policy takes
	OnEvent func(*dpi.Event) // called on the goroutine that decides packets: it must not wait. The engine then blocks what the kernel could. nil: no events
	Reader  nfq.Reader
	Without nfq.Kernel // what the kernel is not to decide by itself; 0: it decides what it can
	Queues  int        // that share the flows, each with an engine of its own; 0: 1. OnEvent is then called by several goroutines

	processors []int                       // where the box decides; nil: as nfq.Config says
	around     func(nfq.Engine) nfq.Engine // what stands between the queue and the engine; nil: nothing
}

// Box is a DPI box that runs on a link. Its methods may be called from any goroutine.
type Box struct {
	wire    *Wire
	options BoxOptions
	engines []*dpi.Engine // one a queue
	start   time.Time
	skipped atomic.Int64

	mu     sync.Mutex
	daemon *nfq.Daemon
	closes bool // the daemon drops when it is dead
	policy *rules.Compiled
	stop   context.CancelFunc // of the daemon's run; nil when it is dead
	done   chan error
	closed bool
	err    error
}

// StartBox makes the wire of this name a box; Close makes it a wire again. One box at a time runs on a wire.
func (l *Lab) StartBox(name string, o BoxOptions) (*Box, error) {
	w := l.Wire(name)
	if w == nil {
		return nil, fmt.Errorf("topology %s has no box %q", l.Topology.Name, name)
	}
	b, err := openBox(w, o)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	l.boxes = append(slices.DeleteFunc(l.boxes, (*Box).over), b) // or a lab would hold the flows of all boxes that it ever had
	l.mu.Unlock()
	return b, nil
}

func openBox(w *Wire, o BoxOptions) (*Box, error) {
	b := &Box{wire: w, options: o, policy: o.Policy, start: time.Now()}
	shared := dpi.NewShared()
	for i := range max(o.Queues, 1) {
		b.engines = append(b.engines, dpi.New(dpi.Options{Policy: o.Policy, Seed: o.Seed, Worker: i, Shared: shared, OnEvent: o.OnEvent}))
	}
	if err := b.open(); err != nil {
		return nil, err
	}
	b.run()
	return b, nil
}

// open attaches a daemon to the wire; packets wait for run.
func (b *Box) open() error {
	o, w := b.options, b.wire
	closes := b.policy.Profile.FailClosed
	need, settled := b.policy.Need(), b.settled()
	if !settled {
		need = rules.Need{} // of flows whose policy is not at hand any more, too
	}
	d, err := nfq.Open(nfq.Config{
		NetNS: w.NetNS(), Inside: w.Inside.Name, Outside: w.Outside.Name, Bridged: true,
		Queues: len(b.engines),
		Engines: func(worker int) nfq.Engine {
			if o.around != nil {
				return o.around(b.engines[worker])
			}
			return b.engines[worker]
		},
		Now: b.Now, Kernel: b.kernel(), Need: need, FailClosed: closes, Reader: o.Reader, Processors: o.processors,
		QueueLength: queueLength(&b.policy.Profile.Fragments),
	})
	if err != nil {
		return fmt.Errorf("box %s: %w", w.Box, err)
	}
	b.daemon, b.closes = d, closes
	if !settled {
		return d.SetPolicy(b.policy)
	}
	return nil
}

// settled tells whether the engines, which do not run, know of no other policy.
func (b *Box) settled() bool {
	return !slices.ContainsFunc(b.engines, func(e *dpi.Engine) bool { return !e.Settled() })
}

// kernel is what the kernel decides by itself. An event tells of each flow that a rule hits, so the engine must meet it.
func (b *Box) kernel() nfq.Kernel {
	k := nfq.KernelAll &^ b.options.Without
	if b.options.OnEvent != nil {
		k &^= nfq.KernelBlocks
	}
	return k
}

// queueRoom is how many packets may wait for the engine.
const queueRoom = 4096

// queueLength leaves room for what the engine holds: that stays in the kernel's queue, and would make it full for all others.
func queueLength(f *rules.Fragments) int {
	if !f.Hold {
		return queueRoom
	}
	return queueRoom + f.Sets*f.Max
}

func (b *Box) run() {
	ctx, stop := context.WithCancel(context.Background())
	d, done := b.daemon, make(chan error, 1)
	b.stop, b.done = stop, done
	go func() { done <- d.Run(ctx) }()
}

// Now is the box's clock: time since it started, and what was skipped.
func (b *Box) Now() time.Duration { return time.Since(b.start) + time.Duration(b.skipped.Load()) }

// SetPolicy gives flows that open from now on another policy; open flows keep theirs (B38). After an error the policy is as it was.
func (b *Box) SetPolicy(c *rules.Compiled) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.daemon.SetPolicy(c); err != nil {
		return fmt.Errorf("box %s: %w", b.wire.Box, err)
	}
	b.policy = c
	return nil
}

// Skip sets the box's clock forward: what it remembers ages by d at once. The kernel's clock goes on as it was, so the flows
// that it keeps go back to the engine.
func (b *Box) Skip(d time.Duration) error {
	b.forward(d)
	return b.attached().FlushSets()
}

func (b *Box) forward(d time.Duration) { b.skipped.Add(int64(d)) }

func (b *Box) attached() *nfq.Daemon {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.daemon
}

// Counters says what became of the packets since StartBox, or since the power came back.
func (b *Box) Counters() (nfq.Counters, error) { return b.attached().Counters() }

// Stats says what the engines saw, all together.
func (b *Box) Stats() (s dpi.Stats, err error) {
	err = b.attached().Each(func(worker int, _ nfq.Engine) { s.Add(b.engines[worker].Stats()) })
	return s, err
}

// Expression names the way that packets take out of the kernel: nftables' own queue expression or the target of xtables.
func (b *Box) Expression() string { return b.attached().Expression() }

// Close ends the box; packets pass untouched from then on. The error is the first that the box met while it ran, too.
// It may be called more than once.
func (b *Box) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.closed = true
		err := b.daemon.Close()
		b.err = errors.Join(b.end(), err)
	}
	return b.err
}

// over tells whether the box is closed. Whoever did that has its error.
func (b *Box) over() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed
}
