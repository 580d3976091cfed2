package nfq

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"dpilab/rules"
)

// Daemon runs engines on the packets that cross a box. Open, then Run, then Close.
type Daemon struct {
	config  Config
	ports   ports
	rules   *kernelRules
	workers []*worker
	undo    []func() error // what Close takes back, the last first

	runs    sync.WaitGroup
	mu      sync.Mutex // for runs and closing: no Run begins once Close waits
	closing bool
	stopped chan struct{}
	stop    sync.Once
	closed  sync.Once

	copying sync.Mutex // for whole
	whole   bool       // packets are copied whole

	reloads  sync.Mutex   // for the rest
	needs    []rules.Need // that the kernel decides by, the last one that of the current policy
	reload   int          // how many there were
	settling bool
}

// Open attaches a box to its interfaces. From here on the kernel queues packets, and they wait for Run. After an
// error nothing is left behind; the error may be of the kinds ErrConfig, ErrInUse, ErrNoQueue and ErrNoBridgeFilter.
func Open(c Config) (*Daemon, error) {
	if err := c.defaults(); err != nil {
		return nil, err
	}
	d := &Daemon{config: c, stopped: make(chan struct{}), whole: c.copyRange() == 0}
	if err := d.open(); err != nil {
		return nil, errors.Join(err, d.takeBack())
	}
	return d, nil
}

func (d *Daemon) open() error {
	if err := inNetNS(d.config.NetNS, d.prepare); err != nil {
		return err
	}
	for i := range d.config.Queues {
		w, err := openWorker(d, i)
		if err != nil {
			return err
		}
		d.workers = append(d.workers, w)
		d.undo = append(d.undo, w.close)
	}
	return d.install()
}

// install makes the kernel queue packets.
func (d *Daemon) install() (err error) {
	c := &d.config
	d.rules, err = installRules(c.NetNS, attachment{
		pairs: d.ports.pairs(), inside: c.Inside, outside: c.Outside, bridged: c.Bridged,
		first: uint16(c.FirstQueue), queues: uint16(c.Queues), failOpen: !c.FailClosed,
		offload: c.Kernel.Has(KernelOffload), skips: c.Kernel.Has(KernelSkips), decides: c.Kernel&(KernelBlocks|KernelSkips) != 0,
		flows: uint32(c.Flows), passIdle: c.PassIdle, dropFor: c.DropFor,
	})
	if err != nil {
		return err
	}
	d.undo = append(d.undo, d.rules.close)
	d.needs = []rules.Need{d.config.Need}
	return d.decide(d.needs)
}

// prepare runs in the box's namespace.
func (d *Daemon) prepare() (err error) {
	if d.ports, err = findPorts(&d.config); err != nil || !d.config.Bridged {
		return err
	}
	undo, err := filterBridged()
	if err == nil {
		d.undo = append(d.undo, func() error { return inNetNS(d.config.NetNS, undo) })
	}
	return err
}

func (d *Daemon) takeBack() (err error) {
	for i := len(d.undo) - 1; i >= 0; i-- {
		err = errors.Join(err, d.undo[i]())
	}
	d.undo = nil
	return err
}

// Expression names how the kernel queues packets: by nftables' own expression or by the target of xtables.
func (d *Daemon) Expression() string { return d.rules.expression() }

// FlushSets makes the kernel forget which flows it may pass or drop by itself: the engine sees them all again. Needed
// when the box's clock is set forward, and when a new policy is to reach old flows. Any goroutine, until Close.
func (d *Daemon) FlushSets() error { return d.rules.flushSets() }

// Run handles packets until ctx ends or Close is called, and returns nil then, or until a worker fails. In either case
// all workers end and their queues are closed: packets pass or not as FailClosed says, until Close. Run is called once.
func (d *Daemon) Run(ctx context.Context) error {
	if !d.begin() {
		return nil
	}
	defer d.runs.Done()
	errs := make(chan error, len(d.workers))
	for _, w := range d.workers {
		go func() { errs <- w.run() }()
	}
	defer context.AfterFunc(ctx, d.halt)()
	var err error
	for range d.workers {
		if e := <-errs; e != nil {
			err = errors.Join(err, e)
			d.halt()
		}
	}
	err = errors.Join(err, d.release()) // before the queues are closed
	for _, w := range d.workers {
		err = errors.Join(err, w.close())
	}
	return err
}

// begin counts a Run that may go on, which Close then waits for.
func (d *Daemon) begin() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closing {
		d.runs.Add(1)
	}
	return !d.closing
}

// halt makes the workers end.
func (d *Daemon) halt() {
	d.stop.Do(func() {
		close(d.stopped)
		for _, w := range d.workers {
			w.queue.Wake()
		}
	})
}

// Each calls f with every worker's engine, on the worker's goroutine and between packets, and returns when all are
// done: a way to read what belongs to that goroutine. It waits for Run; ErrClosed when Run has ended or ends before.
func (d *Daemon) Each(f func(worker int, e Engine)) error {
	for _, w := range d.workers {
		done := make(chan struct{})
		select {
		case w.tasks <- func() { f(w.index, w.engine); close(done) }:
			w.queue.Wake()
		case <-d.stopped:
			return fmt.Errorf("nfq: %w", ErrClosed)
		}
		select {
		case <-done:
		case <-d.stopped:
			return fmt.Errorf("nfq: %w", ErrClosed)
		}
	}
	return nil
}

// Close stops Run, waits for it, and removes everything that Open made: packets pass untouched from then on. Those
// that wait for a verdict are lost. It may be called more than once.
func (d *Daemon) Close() (err error) {
	d.closed.Do(func() {
		d.mu.Lock()
		d.closing = true
		d.mu.Unlock()
		d.halt()
		d.runs.Wait()
		err = d.takeBack()
	})
	return err
}
