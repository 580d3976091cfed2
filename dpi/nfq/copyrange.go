package nfq

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// headerRange is what is copied of a packet under a policy that reads no payload, in bytes: the IPv6 header's 40, TCP's 60 with all
// options, and 412 between them, a chain of eight extension headers of 51 bytes each, which is as many as the engine reads (choice). IPv4
// needs 120. A packet whose headers are longer is a malformed one to the engine.
const headerRange = 512

// copyRange is what is copied of each packet at first.
func (c *Config) copyRange() int {
	if c.CopyRange == 0 && !c.Need.Payload {
		return headerRange
	}
	return c.CopyRange
}

// CopyWhole gives the engines whole packets from now on. When it has returned, every packet that was cut is behind the engines: it
// belongs before the change to a policy whose Need has Payload. The range is never lowered (choice), so that a second call
// finds nothing to do. It waits for Run, and on an idle box for a tenth of a second; ErrClosed when Run has ended or ends before.
// Any goroutine.
func (d *Daemon) CopyWhole() error {
	d.copying.Lock()
	defer d.copying.Unlock()
	if d.whole {
		return nil
	}
	select {
	case <-d.stopped:
		return fmt.Errorf("nfq: %w", ErrClosed)
	default:
	}
	for _, w := range d.workers {
		if err := w.queue.CopyRange(maxCopyRange); err != nil {
			return fmt.Errorf("nfq: queue %d: copy whole packets: %w", d.config.FirstQueue+w.index, err)
		}
	}
	awaitKernel()
	kernel, err := d.kernelQueues()
	if err != nil {
		return err
	}
	last := map[uint16]uint32{}
	for _, k := range kernel {
		last[k.number] = k.lastID
	}
	var reached []chan struct{}
	err = d.Each(func(i int, _ Engine) {
		w := d.workers[i]
		w.await, w.reached = last[uint16(d.config.FirstQueue+i)], make(chan struct{})
		reached = append(reached, w.reached)
	})
	if err != nil {
		return err
	}
	for _, r := range reached {
		select {
		case <-r:
		case <-d.stopped:
			return fmt.Errorf("nfq: %w", ErrClosed)
		}
	}
	d.whole = true
	return nil
}

// passed ends the wait of CopyWhole once the packet that it waits for was handled, or nothing is there any more.
func (w *worker) passed(packets []Packet) {
	if w.reached == nil {
		return
	}
	if n := len(packets); n > 0 && int32(packets[n-1].ID-w.await) < 0 { // ids come in order, and begin again after the largest
		return
	}
	close(w.reached)
	w.reached = nil
}

// awaitKernel returns when no processor is on its way any more through a piece of the kernel's packet path that it was on before. The
// path is a reader of RCU, and this call waits for all readers.
func awaitKernel() {
	const global = 1 // MEMBARRIER_CMD_GLOBAL
	if _, _, e := unix.Syscall(unix.SYS_MEMBARRIER, global, 0, 0); e != 0 {
		time.Sleep(50 * time.Millisecond) // the path takes microseconds, and is not interrupted by other processes
	}
}
