package lab

import (
	"encoding/binary"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
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

// takeHops takes hops from the TTL or hop limit, and keeps IPv4's header checksum as right, or wrong, as it was (RFC 1624);
// false: the packet ends before.
func takeHops(packet []byte, hops int) bool {
	switch {
	case packet[0]>>4 == 6 && len(packet) >= 40 && int(packet[7]) > hops:
		packet[7] -= byte(hops)
		return true
	case packet[0]>>4 == 4 && len(packet) >= 20 && int(packet[8]) > hops:
		before := binary.BigEndian.Uint16(packet[8:])
		packet[8] -= byte(hops)
		sum := uint32(^binary.BigEndian.Uint16(packet[10:])) + uint32(^before) + uint32(binary.BigEndian.Uint16(packet[8:]))
		sum = sum>>16 + sum&0xffff
		sum = sum>>16 + sum&0xffff
		binary.BigEndian.PutUint16(packet[10:], ^uint16(sum))
		return true
	}
	return false
}
