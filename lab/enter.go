package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// exitNoNamespaces is the exit code when the namespaces cannot be made.
const exitNoNamespaces = 3

// innerEnv marks the process inside, until Enter there removes it again.
const innerEnv = "DPILAB_INSIDE"

// entered says that Enter has done its work in this process.
var entered bool

// Enter puts the process into user, mount, pid, network, IPC and UTS namespaces of its own. It is the first line of main
// and of TestMain: outside it re-executes the program with the same arguments, waits, and exits with the same code; it
// returns only inside, where the process is root of its namespaces and pid 1. There, another call does nothing.
//
// Where the namespaces are refused it says on one line why and what to do, and exits with code 3.
//
// Inside, / is private, /proc and /sys are those of the namespaces, /run is an empty tmpfs, and /etc/resolv.conf,
// /etc/hosts and /etc/nsswitch.conf say nothing of the machine. Files are those of the machine otherwise.
//
// Signals: SIGTERM and SIGHUP are passed on; SIGINT and SIGQUIT too, unless the process is in the foreground of a
// terminal, which has sent them to the process inside as well. A signal that the program does not handle ends it with
// code 2, because the kernel spares pid 1 from the default action and Go then exits by itself. When the outer process
// dies, the kernel kills everything inside.
//
// Orphans: a process whose parent died becomes a child of pid 1 and stays a zombie until the program ends. Enter does not
// reap them, because whoever waits for any child can take the exit status away from an exec.Cmd.
func Enter() {
	Hidden()
	if entered {
		return
	}
	if os.Getenv(innerEnv) == "" {
		os.Exit(outside())
	}
	os.Unsetenv(innerEnv)
	entered = true
	if err := inside(); err != nil {
		fmt.Fprintln(os.Stderr, "dpilab: "+explain(err, readSetting))
		os.Exit(exitNoNamespaces)
	}
}

// checkMode is argument 0 of the program when it is started only to see whether it can be.
const checkMode = "dpilab-enter-check"

// Hidden serves the modes in which the program starts itself: a host's command, and the check of CanEnter. It returns in all
// others. A program that does not call Enter as its first line calls Hidden there.
func Hidden() {
	if len(os.Args) == 0 {
		return
	}
	switch os.Args[0] {
	case commandMode:
		runCommand(os.Args[1:]) // does not return
	case checkMode:
		if err := inside(); err != nil {
			fmt.Print(explain(err, readSetting))
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// CanEnter tells whether Enter would succeed; the error's text is what Enter would say.
func CanEnter() error {
	if entered || os.Getenv(innerEnv) != "" {
		return nil
	}
	c := exec.Command("/proc/self/exe")
	c.Args = []string{checkMode}
	c.SysProcAttr = freshNamespaces()
	said, err := c.Output()
	switch {
	case err != nil && len(said) > 0:
		return errors.New(string(said))
	case err != nil:
		return errors.New(explain(err, readSetting))
	}
	return nil
}

func freshNamespaces() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWPID |
			unix.CLONE_NEWIPC | unix.CLONE_NEWUTS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
}

// outside runs the program again inside and returns its exit code.
func outside() int {
	// The kernel sends Pdeathsig when the thread that started the child dies, not the process: keep the thread.
	runtime.LockOSThread()
	c := exec.Command("/proc/self/exe")
	c.Args = os.Args
	c.Env = append(os.Environ(), innerEnv+"=1")
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.SysProcAttr = freshNamespaces()
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, unix.SIGTERM, unix.SIGHUP, unix.SIGINT, unix.SIGQUIT)
	if err := c.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "dpilab: "+explain(err, readSetting))
		return exitNoNamespaces
	}
	go func() {
		for s := range signals {
			if (s == unix.SIGINT || s == unix.SIGQUIT) && inForeground() {
				continue
			}
			_ = c.Process.Signal(s)
		}
	}()
	return exitCode(c.Wait())
}

func exitCode(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case !errors.As(err, &exit):
		fmt.Fprintln(os.Stderr, "dpilab: wait for the process inside: "+err.Error())
		return exitNoNamespaces
	}
	if s, ok := exit.Sys().(syscall.WaitStatus); ok && s.Signaled() {
		return 128 + int(s.Signal())
	}
	return exit.ExitCode()
}

// inForeground tells whether the process is in the foreground group of its terminal, if it has one.
func inForeground() bool {
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer tty.Close()
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}
