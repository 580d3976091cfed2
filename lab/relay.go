package lab

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"dpilab/dpi/packet"
)

// relay is a row of routers on a path, as a trace means them: they take from the TTL, drop what has too little, and say nothing.
type relay struct {
	hops    int
	names   [2]string
	ports   [2]*barePort
	ending  atomic.Bool
	running sync.WaitGroup
	errs    [2]error // read after running
}

// open runs in the namespace of the ends.
func (r *relay) open() (err error) {
	for i, name := range r.names {
		if r.ports[i], err = openBarePort(name); err != nil {
			return err
		}
	}
	return nil
}

// start relays both ways until stop, on one processor.
func (r *relay) start(processor int) {
	for i := range r.ports {
		r.running.Go(func() {
			runtime.LockOSThread() // bound to a processor, it ends with the goroutine
			var set unix.CPUSet
			set.Set(processor)
			if r.errs[i] = unix.SchedSetaffinity(0, &set); r.errs[i] == nil {
				r.errs[i] = r.run(r.ports[i], r.ports[1-i])
			}
		})
	}
}

func (r *relay) run(from, to *barePort) error {
	for !r.ending.Load() {
		frame, err := from.read(true)
		if errors.Is(err, unix.EAGAIN) {
			continue
		}
		if err != nil {
			return err
		}
		if !takeHops(frame[etherHeader:], r.hops) {
			continue
		}
		if err := to.write(frame); err != nil {
			return err
		}
	}
	return nil
}

func (r *relay) stop() error {
	r.ending.Store(true)
	r.running.Wait()
	errs := r.errs[:]
	for _, p := range r.ports {
		if p != nil {
			errs = append(errs, p.close())
		}
	}
	return errors.Join(errs...)
}

// takeHops takes hops from the TTL or hop limit, and keeps IPv4's header checksum as right, or wrong, as it was; false: the packet ends
// before.
func takeHops(data []byte, hops int) bool {
	var ttl uint8
	switch {
	case data[0]>>4 == 6 && len(data) >= 40:
		ttl = data[7]
	case data[0]>>4 == 4 && len(data) >= 20:
		ttl = data[8]
	}
	if int(ttl) <= hops {
		return false
	}
	packet.SetTTL(data, ttl-uint8(hops))
	return true
}
