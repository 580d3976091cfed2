package lab

import (
	"time"

	"golang.org/x/sys/unix"

	"dpilab/dpi/nfq"
)

// CPU gives the processor time of the threads that decide the box's packets, the kernel's work on their behalf included: what it does
// with a packet whose verdict it takes counts, too. A reader that reads on other threads is not in it.
func (b *Box) CPU() (time.Duration, error) {
	var all time.Duration
	var err error
	each := b.attached().Each(func(int, nfq.Engine) {
		var u unix.Rusage
		if e := unix.Getrusage(unix.RUSAGE_THREAD, &u); e != nil {
			err = e
			return
		}
		all += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	})
	if each != nil {
		return 0, each
	}
	return all, err
}
