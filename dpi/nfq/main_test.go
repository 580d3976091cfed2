package nfq

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const insideVariable = "DPILAB_NFQ_TEST" // "inside": in namespaces of our own; "outside": we may not have them

// TestMain runs the tests in user, network, mount and process namespaces of their own: live tests need no root then.
func TestMain(m *testing.M) {
	switch os.Getenv(insideVariable) {
	case "":
		os.Exit(reexecute())
	case "inside":
		if err := errors.Join(
			unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
			unix.Mount("proc", "/proc", "proc", 0, ""), // shows this network namespace, and may be written to
		); err != nil {
			fmt.Fprintln(os.Stderr, "mount:", err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func reexecute() int {
	command := func(state string) *exec.Cmd {
		c := exec.Command("/proc/self/exe", os.Args[1:]...)
		c.Env = append(os.Environ(), insideVariable+"="+state)
		c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
		return c
	}
	c := command("inside")
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) { // no namespaces: the tests that need none still run
		c = command("outside")
		err = c.Run()
	}
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// live skips a test that needs what this machine lacks.
func live(t testing.TB) {
	t.Helper()
	if os.Getenv(insideVariable) != "inside" {
		t.Skip("no user namespaces here: cannot build a network")
	}
	for _, f := range Probe() {
		if f.Needed && !f.Present {
			t.Skipf("%s is missing: %s", f.Name, f.Advice)
		}
	}
}
