package nfq

import (
	"errors"
	"fmt"
	"sync/atomic"
)

// Counters say what became of the packets, since Open.
type Counters struct {
	// Counted by the kernel's rules, ahead of the queue. A large segment counts once here, and is cut into packets
	// before it is queued, so Queued can be less than Received.
	Queued, QueuedBytes               uint64
	OffloadedPass, OffloadedPassBytes uint64
	OffloadedDrop, OffloadedDropBytes uint64

	Received  uint64 // packets from the queues
	Ignored   uint64 // of them: not between the inside and the outside, passed without the engine
	Accepted  uint64
	Dropped   uint64
	Rewritten uint64
	Waiting   uint64 // received, without a verdict yet: held by the engine

	Sent       uint64 // packets of the box's own
	SendFailed uint64

	// Overflowed counts overflows of a reader's buffer (each may lose several packets), and what the kernel says to
	// have dropped because a queue or a buffer was full. A queue that fails open passes such packets, and the
	// kernel does not count those for which the queue was full.
	Overflowed uint64
	Refused    uint64 // verdicts that the kernel did not take, or that did not fit
}

// tally is one worker's part of Counters.
type tally struct {
	received, ignored, accepted, dropped, rewritten, sent, sendFailed atomic.Uint64
}

func (t *tally) addTo(c *Counters) {
	c.Received += t.received.Load()
	c.Ignored += t.ignored.Load()
	c.Accepted += t.accepted.Load()
	c.Dropped += t.dropped.Load()
	c.Rewritten += t.rewritten.Load()
	c.Sent += t.sent.Load()
	c.SendFailed += t.sendFailed.Load()
}

// Counters reads the counters. It may be called from any goroutine, until Close.
func (d *Daemon) Counters() (Counters, error) {
	var c Counters
	named, err := d.rules.counted()
	if err != nil {
		return c, err
	}
	c.Queued, c.QueuedBytes = named[counterQueued].Packets, named[counterQueued].Bytes
	c.OffloadedPass, c.OffloadedPassBytes = named[counterPass].Packets, named[counterPass].Bytes
	c.OffloadedDrop, c.OffloadedDropBytes = named[counterDrop].Packets, named[counterDrop].Bytes
	for _, w := range d.workers {
		w.tally.addTo(&c)
		overflows, refused := w.queue.Overflows()
		c.Overflowed += overflows
		c.Refused += refused
	}
	if decided := c.Ignored + c.Accepted + c.Dropped + c.Rewritten; decided < c.Received {
		c.Waiting = c.Received - decided
	}
	kernel, err := d.kernelQueues()
	for _, k := range kernel {
		c.Overflowed += k.dropped + k.userDropped
	}
	return c, err
}

// kernelQueues reads the kernel's table for the daemon's queues. A queue that failed is not in it any more.
func (d *Daemon) kernelQueues() (mine []kernelQueue, err error) {
	var all []kernelQueue
	err = inNetNS(d.config.NetNS, func() (err error) {
		all, err = kernelQueues()
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("nfq: read the kernel's queue counters"), err)
	}
	for _, k := range all {
		if n := int(k.number); n >= d.config.FirstQueue && n < d.config.FirstQueue+d.config.Queues {
			mine = append(mine, k)
		}
	}
	return mine, nil
}
