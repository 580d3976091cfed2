package lab

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// delayLine holds the packets of one link, both ways, for the link's delay: a bridge whose packets go to a netfilter
// queue, and a thread that gives each its verdict when the time has come. Held packets stay in the kernel and are not
// copied; large segments stay whole. It stands in for netem where the kernel has none.
//
// Order is kept, both ways together. IPv4 and IPv6 are delayed, ARP is not. Packets that do not fit lineLength are dropped,
// as on a line with a full buffer.
//
// Measured with 5 ms one way and 200 pings (TestDelayIsExact), kernel 6.18, two cores under a load of 7 to 8 from other work: RTT
// never under 10.3 ms, p50 10.6 to 10.8 ms, p99 14 to 50 ms, which is how long a thread waits for a core there. A single TCP
// connection got 1.8 to 4.6 Gbit/s through 1 ms and 1.0 to 1.2 through 10 ms.
type delayLine struct {
	link  string
	delay time.Duration
	space *namespace

	queue   *lineQueue
	timer   int // timerfd
	quit    int // eventfd
	done    chan struct{}
	err     error // of the thread; read after done
	stopped atomic.Bool
}

// lineLength is how many packets a line holds: with full-sized packets, 10 Gbit/s for 75 ms.
const lineLength = 1 << 16

// held is a packet that waits; due is on the clock of time.Since(start).
type held struct {
	id  uint32
	due time.Duration
}

func (d *delayLine) start() (err error) {
	if err := installLine(d.space.fd()); err != nil {
		return fmt.Errorf("delay line of %s: %w", d.link, err)
	}
	if d.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK); err != nil {
		return fmt.Errorf("delay line of %s: timer: %w", d.link, err)
	}
	if d.quit, err = unix.Eventfd(0, unix.EFD_CLOEXEC); err != nil {
		unix.Close(d.timer)
		return fmt.Errorf("delay line of %s: %w", d.link, err)
	}
	err = d.space.do(func() (err error) {
		d.queue, err = openLineQueue()
		return err
	})
	if err != nil {
		unix.Close(d.timer)
		unix.Close(d.quit)
		return fmt.Errorf("delay line of %s: %w", d.link, err)
	}
	d.done = make(chan struct{})
	go d.run()
	return nil
}

// stop ends the thread; packets that are held are dropped.
func (d *delayLine) stop() error {
	if d.done == nil || d.stopped.Swap(true) {
		return nil
	}
	one := uint64(1)
	if _, err := unix.Write(d.quit, (*[8]byte)(unsafe.Pointer(&one))[:]); err != nil {
		return err
	}
	<-d.done
	return d.err
}

func (d *delayLine) run() {
	defer close(d.done)
	runtime.LockOSThread() // never unlocked: a thread of its own, so that a busy Go scheduler does not delay packets
	defer func() {
		d.queue.close()
		unix.Close(d.timer)
		unix.Close(d.quit)
	}()
	start := time.Now()
	var waiting ring
	fds := []unix.PollFd{
		{Fd: int32(d.queue.fd), Events: unix.POLLIN},
		{Fd: int32(d.timer), Events: unix.POLLIN},
		{Fd: int32(d.quit), Events: unix.POLLIN},
	}
	for {
		if _, err := unix.Poll(fds, -1); err != nil && err != unix.EINTR {
			d.err = err
			return
		}
		if fds[2].Revents != 0 {
			return
		}
		now := time.Since(start)
		if fds[0].Revents != 0 {
			d.err = d.queue.receive(func(id uint32) { waiting.push(held{id, now + d.delay}) })
			if d.err != nil {
				return
			}
		}
		if d.err = d.release(&waiting, time.Since(start)); d.err != nil {
			return
		}
	}
}

// release accepts everything that is due, and sets the timer for the rest. Ids rise and the delay is always the same, so
// one message accepts all that are due.
func (d *delayLine) release(waiting *ring, now time.Duration) error {
	last, any := uint32(0), false
	for waiting.length() > 0 && waiting.first().due <= now {
		last, any = waiting.first().id, true
		waiting.pop()
	}
	if any {
		if err := d.queue.acceptUpTo(last); err != nil {
			return err
		}
	}
	var set unix.ItimerSpec // zero: off
	if waiting.length() > 0 {
		set.Value = unix.NsecToTimespec(max(int64(waiting.first().due-now), 1))
	}
	return unix.TimerfdSettime(d.timer, 0, &set, nil) // also makes the timer unreadable again
}

// ring is a queue of held packets that grows and is reused.
type ring struct {
	buf         []held // a power of two long
	head, count int
}

func (r *ring) length() int { return r.count }

func (r *ring) first() held { return r.buf[r.head] }

func (r *ring) pop() {
	r.head = (r.head + 1) & (len(r.buf) - 1)
	r.count--
}

func (r *ring) push(h held) {
	if r.count == len(r.buf) {
		grown := make([]held, max(2*len(r.buf), 256))
		n := copy(grown, r.buf[r.head:])
		copy(grown[n:], r.buf[:r.head])
		r.buf, r.head = grown, 0
	}
	r.buf[(r.head+r.count)&(len(r.buf)-1)] = h
	r.count++
}
