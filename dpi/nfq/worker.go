package nfq

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"dpilab/dpi"
	"dpilab/rules"
)

// worker reads one queue and owns one engine.
type worker struct {
	daemon   *Daemon
	index    int
	queue    Queue
	engine   Engine
	injector injector
	verdicts []dpi.Verdict // reused
	tasks    chan func()
	tally    tally
	lastID   uint32 // received
	closed   bool

	await   uint32        // a packet's id, until
	reached chan struct{} // is closed and nil again: CopyWhole waits
}

func openWorker(d *Daemon, index int) (*worker, error) {
	w := &worker{daemon: d, index: index, tasks: make(chan func(), 1)}
	var err error
	w.queue, err = OpenQueue(d.config.Reader, w.queueConfig())
	if err != nil {
		return nil, err
	}
	err = inNetNS(d.config.NetNS, func() (err error) {
		w.injector, err = openInjector(d.ports)
		return err
	})
	if err != nil {
		_ = w.queue.Close()
		return nil, err
	}
	w.engine = d.config.Engines(index)
	return w, nil
}

func (w *worker) queueConfig() QueueConfig {
	c := &w.daemon.config
	return QueueConfig{NetNS: c.NetNS, Number: uint16(c.FirstQueue + w.index), Length: c.QueueLength, CopyRange: c.copyRange(),
		FailOpen: !c.FailClosed}
}

func (w *worker) close() error {
	if w.closed {
		return nil
	}
	w.closed = true
	if err := w.injector.close(); err != nil {
		_ = w.queue.Close()
		return err
	}
	return w.queue.Close()
}

// run handles packets until the daemon stops. A panic of the engine comes back as an error: one packet must not take
// the wire's other users down unreported.
func (w *worker) run() (err error) {
	runtime.LockOSThread() // never unlocked: the thread, which may be bound to a processor, ends with the goroutine
	defer func() {
		if r := recover(); r != nil {
			err = &Error{Kind: ErrEngine, What: fmt.Sprintf("nfq: queue %d: the engine panicked: %v\n%s", w.daemon.config.FirstQueue+w.index, r, debug.Stack())}
		}
	}()
	if on := w.daemon.config.Processors; len(on) > 0 {
		if err := stayOn(on[w.index%len(on)]); err != nil {
			return err
		}
	}
	for {
		select {
		case <-w.daemon.stopped:
			return w.abandon()
		default:
		}
		select {
		case f := <-w.tasks:
			f()
		default:
		}
		packets, err := w.queue.Receive()
		if err != nil {
			return err
		}
		if err := w.batch(w.daemon.config.Now(), packets); err != nil {
			return err
		}
		w.passed(packets)
	}
}

// abandon gives what the engine holds the fate that packets have when nobody decides. IDs mean other packets in the next queue, so the
// engine must not keep any.
func (w *worker) abandon() error {
	a, ok := w.engine.(Abandoner)
	if !ok {
		return nil
	}
	all := a.Abandon(w.verdicts[:0])
	for i := range all {
		if !w.daemon.config.FailClosed {
			all[i].Action = dpi.Accept
		}
	}
	if err := w.decide(all); err != nil {
		return err
	}
	return w.queue.Flush()
}

// batch handles packets that came together, at one time of the clock.
func (w *worker) batch(now time.Duration, packets []Packet) error {
	if err := w.decide(w.engine.Advance(now, w.verdicts[:0])); err != nil {
		return err
	}
	for i := range packets {
		if err := w.packet(now, &packets[i]); err != nil {
			return err
		}
	}
	return w.queue.Flush()
}

func (w *worker) packet(now time.Duration, p *Packet) error {
	w.tally.received.Add(1)
	if missed := p.ID - w.lastID - 1; missed != 0 { // the kernel counts from 1, and counts what it could not hand over
		w.tally.missed.Add(uint64(missed))
	}
	w.lastID = p.ID
	dir := w.daemon.ports.direction(p)
	if dir == rules.Both || len(p.Data) == 0 {
		w.tally.ignored.Add(1)
		w.queue.Verdict(p.ID, true, 0, nil)
		return nil
	}
	w.injector.learn(p, dir)
	return w.decide(w.engine.Handle(now, dpi.Packet{ID: p.ID, Dir: dir, Data: p.Data, Length: int(p.Length)}, w.verdicts[:0]))
}

// decide carries verdicts out, in their order, and keeps their slice for the next call: a packet of the box's own must not overtake
// the one that brought it.
func (w *worker) decide(verdicts []dpi.Verdict) error {
	w.verdicts = verdicts
	passed := false // since the last Flush
	for i := range verdicts {
		v := &verdicts[i]
		if v.Action == dpi.Send {
			if passed {
				if err := w.queue.Flush(); err != nil {
					return err
				}
				passed = false
			}
			w.send(v)
			continue
		}
		accept, mark := kernelVerdict(v, w.daemon.config.Kernel.Has(KernelOffload))
		var data []byte
		switch v.Action {
		case dpi.Accept:
			w.tally.accepted.Add(1)
		case dpi.Rewrite:
			w.tally.rewritten.Add(1)
			data = v.Data
		default:
			w.tally.dropped.Add(1)
		}
		w.queue.Verdict(v.ID, accept, mark, data)
		passed = passed || accept
	}
	return nil
}

func (w *worker) send(v *dpi.Verdict) {
	if err := w.injector.send(v.Dir, v.Data); err != nil {
		w.tally.sendFailed.Add(1)
		return
	}
	w.tally.sent.Add(1)
}

// kernelVerdict is how a verdict is told to the kernel. One with an offload must be accepted, to reach the chain that
// remembers the flow; that chain drops the packet if it is to be dropped.
func kernelVerdict(v *dpi.Verdict, offload bool) (accept bool, mark uint32) {
	accept = v.Action == dpi.Accept || v.Action == dpi.Rewrite
	if !offload {
		return accept, 0
	}
	switch v.Offload {
	case dpi.OffloadPass:
		mark = markBase | markPass
	case dpi.OffloadDrop:
		mark = markBase | markDrop
	default:
		return accept, 0
	}
	if !accept {
		mark |= markThis
	}
	return true, mark
}
