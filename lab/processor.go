package lab

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// onProcessor runs f on the processor on which the boxes run as well. The kernel passes packets on in order per processor only.
func (p *Path) onProcessor(f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, now unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("read the thread's processors: %w", err)
	}
	now.Set(p.processor)
	if err := unix.SchedSetaffinity(0, &now); err != nil {
		return fmt.Errorf("bind the thread to a processor: %w", err)
	}
	defer func() { _ = unix.SchedSetaffinity(0, &before) }()
	return f()
}

// someProcessor picks one of those that the process may use.
func someProcessor(n int) (int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return 0, fmt.Errorf("read the process's processors: %w", err)
	}
	n %= set.Count()
	for i := 0; ; i++ {
		if !set.IsSet(i) {
			continue
		}
		if n == 0 {
			return i, nil
		}
		n--
	}
}
