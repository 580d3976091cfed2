package lab

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"dpilab/dpi"
	"dpilab/dpi/nfq"
	"dpilab/rules"
)

// BoxOptions are settings of one box. Policy is required.
type BoxOptions struct {
	Policy    *rules.Compiled
	Seed      uint64           // of every chance that the policy takes
	OnEvent   func(*dpi.Event) // called on the goroutine that decides packets: it must not wait; nil: no events
	Reader    nfq.Reader
	NoOffload bool // every packet goes through the engine
}

// Box is a DPI box that runs on a link. Its methods may be called from any goroutine.
type Box struct {
	wire    *Wire
	daemon  *nfq.Daemon
	engine  *dpi.Engine
	start   time.Time
	skipped atomic.Int64
	done    chan error
	close   sync.Once
	err     error
}

// StartBox makes the wire of this name a box; Close makes it a wire again. One box at a time runs on a wire.
func (l *Lab) StartBox(name string, o BoxOptions) (*Box, error) {
	w := l.Wire(name)
	if w == nil {
		return nil, fmt.Errorf("topology %s has no box %q", l.Topology.Name, name)
	}
	b := &Box{wire: w, start: time.Now(), done: make(chan error, 1)}
	b.engine = dpi.New(dpi.Options{Policy: o.Policy, Seed: o.Seed, OnEvent: o.OnEvent})
	var err error
	b.daemon, err = nfq.Open(nfq.Config{
		NetNS: w.NetNS(), Inside: w.Inside.Name, Outside: w.Outside.Name, Bridged: true,
		Engines: func(int) nfq.Engine { return b.engine },
		Now:     b.Now, Offload: !o.NoOffload, FailClosed: o.Policy.Profile.FailClosed, Reader: o.Reader,
	})
	if err != nil {
		return nil, fmt.Errorf("box %s: %w", name, err)
	}
	go func() { b.done <- b.daemon.Run(context.Background()) }()
	l.mu.Lock()
	l.boxes = append(l.boxes, b)
	l.mu.Unlock()
	return b, nil
}

// Now is the box's clock: time since it started, and what was skipped.
func (b *Box) Now() time.Duration { return time.Since(b.start) + time.Duration(b.skipped.Load()) }

// SetPolicy gives flows that open from now on another policy; open flows keep theirs (B38).
func (b *Box) SetPolicy(c *rules.Compiled) { b.engine.SetPolicy(c) }

// Skip sets the box's clock forward: what it remembers ages by d at once. The kernel's clock goes on as it was, so the flows
// that it keeps go back to the engine.
func (b *Box) Skip(d time.Duration) error {
	b.skipped.Add(int64(d))
	return b.daemon.FlushSets()
}

// Counters says what became of the packets since StartBox.
func (b *Box) Counters() (nfq.Counters, error) { return b.daemon.Counters() }

// Stats says what the engine saw.
func (b *Box) Stats() (s dpi.Stats, err error) {
	err = b.daemon.Each(func(int, nfq.Engine) { s = b.engine.Stats() })
	return s, err
}

// Expression names the way that packets take out of the kernel: nftables' own queue expression or the target of xtables.
func (b *Box) Expression() string { return b.daemon.Expression() }

// Close ends the box; packets pass untouched from then on. The error is the first that the box met while it ran, too.
// It may be called more than once.
func (b *Box) Close() error {
	b.close.Do(func() {
		err := b.daemon.Close()
		b.err = errors.Join(<-b.done, err)
	})
	return b.err
}
