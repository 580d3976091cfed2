package nfq

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// stayOn binds the thread to a processor.
func stayOn(processor int) error {
	var set unix.CPUSet
	set.Set(processor)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("nfq: run a worker on processor %d: %w", processor, err)
	}
	return nil
}

// allowedProcessors are those that the process may use.
func allowedProcessors() (all []int, err error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(unix.Getpid(), &set); err != nil {
		return nil, fmt.Errorf("nfq: read the process's processors: %w", err)
	}
	for i := range len(set) * 64 {
		if set.IsSet(i) {
			all = append(all, i)
		}
	}
	return all, nil
}
