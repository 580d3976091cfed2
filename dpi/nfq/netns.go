package nfq

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// inNetNS runs f on a thread of its own that is in the network namespace with this descriptor; with ns <= 0, in the
// namespace of the caller. The thread is thrown away afterwards, so that no other goroutine can land in the namespace.
func inNetNS(ns int, f func() error) error {
	if ns <= 0 {
		return f()
	}
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if err := unix.Setns(ns, unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("nfq: enter network namespace (descriptor %d): %w", ns, err)
			return
		}
		done <- f()
	}()
	return <-done
}
