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

	Blocked, BlockedBytes uint64 // dropped by the kernel, ahead of the queue: they go to or come from a blocked prefix
	Skipped, SkippedBytes uint64 // passed by it, as they cannot matter; what follows in their flows is OffloadedPass

	Received  uint64 // packets from the queues
	Ignored   uint64 // of them: not between the inside and the outside, passed without the engine
	Accepted  uint64
	Dropped   uint64
	Rewritten uint64
	Waiting   uint64 // received, without a verdict yet: held by the engine

	Sent       uint64 // packets of the box's own
	SendFailed uint64

	// Packets that no engine saw since there was no room for them: dropped by a box that fails closed, passed by one that fails open.
	QueueFull  uint64 // so many waited for a verdict as may; passed ones are not counted by the kernel, nor here
	BufferFull uint64 // the reader was late and its buffer full; passed ones are counted when a later packet comes
	Overflowed uint64 // both
	Overflows  uint64 // how often a reader found that its buffer had been full since it last looked

	Refused uint64 // verdicts that the kernel did not take, or that did not fit
}

// tally is one worker's part of Counters.
type tally struct {
	received, ignored, accepted, dropped, rewritten, sent, sendFailed atomic.Uint64
	missed                                                            atomic.Uint64 // by their ids
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
	c.Blocked, c.BlockedBytes = named[counterBlocked].Packets, named[counterBlocked].Bytes
	c.Skipped, c.SkippedBytes = named[counterSkipped].Packets, named[counterSkipped].Bytes
	missed := make([]uint64, d.config.Queues)
	for i, w := range d.workers {
		w.tally.addTo(&c)
		overflows, refused := w.queue.Overflows()
		c.Overflows += overflows
		c.Refused += refused
		missed[i] = w.tally.missed.Load()
	}
	if decided := c.Ignored + c.Accepted + c.Dropped + c.Rewritten; decided < c.Received {
		c.Waiting = c.Received - decided
	}
	kernel, err := d.kernelQueues()
	for _, k := range kernel {
		c.QueueFull += k.dropped
		m := &missed[int(k.number)-d.config.FirstQueue]
		*m = max(*m, k.userDropped) // those since the last packet have left no gap yet
	}
	for _, m := range missed {
		c.BufferFull += m
	}
	c.Overflowed = c.QueueFull + c.BufferFull
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
