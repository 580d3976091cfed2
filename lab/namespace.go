package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// namespace is a network namespace that lives as long as its file is open, or something runs or listens in it.
type namespace struct {
	name   string
	bridge bool // its two ports are joined; it has no address
	file   *os.File
}

// home is the namespace that Enter made, to which every borrowed thread goes back.
var home = sync.OnceValues(func() (*os.File, error) { return os.Open("/proc/thread-self/ns/net") })

// open makes the namespace and runs setup with the thread in it.
func (n *namespace) open(setup func() error) error {
	if _, err := home(); err != nil {
		return fmt.Errorf("open the process's network namespace: %w", err)
	}
	return onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make network namespace %s: %w", n.name, err)
		}
		f, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			return err
		}
		n.file = f
		if err := setup(); err != nil {
			return fmt.Errorf("set up namespace %s: %w", n.name, err)
		}
		return nil
	})
}

// fd is valid until close.
func (n *namespace) fd() int { return int(n.file.Fd()) }

// do runs f on a thread that is in the namespace. Goroutines that f starts are not in it. A panic, and a Goexit such as
// that of a failing test, go on in the caller.
func (n *namespace) do(f func() error) error {
	return onThread(func() error {
		if err := unix.Setns(n.fd(), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter network namespace %s: %w", n.name, err)
		}
		return f()
	})
}

func (n *namespace) close() {
	if n.file != nil {
		n.file.Close()
	}
}

// errGoexit tells that f left by runtime.Goexit.
var errGoexit = errors.New("lab: the function ended its goroutine")

// onThread runs f on a goroutine with a thread of its own. Afterwards the thread goes back to the home namespace; if it
// cannot, it ends with the goroutine.
func onThread(f func() error) error {
	var (
		err      = errGoexit
		panicked any
		done     = make(chan struct{})
	)
	go func() {
		defer close(done)
		runtime.LockOSThread()
		defer goHome()
		defer func() { panicked = recover() }()
		err = f()
	}()
	<-done
	if panicked != nil {
		panic(panicked)
	}
	if err == errGoexit {
		runtime.Goexit()
	}
	return err
}

func goHome() {
	h, err := home()
	if err == nil && unix.Setns(int(h.Fd()), unix.CLONE_NEWNET) == nil {
		runtime.UnlockOSThread()
	}
}

// sysctl sets a value below /proc/sys/net in the namespace of the calling thread.
func sysctl(path, value string) error {
	if err := os.WriteFile(filepath.Join("/proc/sys/net", path), []byte(value), 0); err != nil {
		return fmt.Errorf("set net/%s to %s: %w", path, value, err)
	}
	return nil
}

// asFeature names what a kernel lacks when it does not know something.
func asFeature(err error, feature string) error {
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("the kernel lacks %s: %w", feature, err)
	}
	return err
}
