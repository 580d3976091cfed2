package nfq

import (
	"errors"

	"dpilab/dpi"
)

// Attachment is the kernel's side of a box whose queues another program reads: the table with its sets and counters.
type Attachment struct{ daemon *Daemon }

// Attach installs what Open installs, with the queues left to another reader, for comparing engines under the same rules. Of the
// Config it uses what concerns the kernel. A queue that nobody has bound passes packets, or drops them with FailClosed. The errors are
// those of Open.
func Attach(c Config) (*Attachment, error) {
	c.Engines = func(int) Engine { return nil } // never called: no workers
	if err := c.defaults(); err != nil {
		return nil, err
	}
	d := &Daemon{config: c, stopped: make(chan struct{})}
	err := inNetNS(c.NetNS, d.prepare)
	if err == nil {
		err = d.install()
	}
	if err != nil {
		return nil, errors.Join(err, d.takeBack())
	}
	return &Attachment{daemon: d}, nil
}

// Counters reads what the kernel counted; what a reader counts is zero. It may be called from any goroutine, until Close.
func (a *Attachment) Counters() (Counters, error) { return a.daemon.Counters() }

// Close removes what Attach made. It may be called more than once.
func (a *Attachment) Close() error { return a.daemon.Close() }

// KernelVerdict is how a verdict is told to the kernel: accept or drop, and the mark that the accepted packet carries. Of the verdict
// it reads Action and Offload. One with an offload must be accepted, even to drop its packet.
func KernelVerdict(v *dpi.Verdict, offload bool) (accept bool, mark uint32) {
	return kernelVerdict(v, offload)
}
