package lab

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// commandMode is argument 0 of the program when it is to become a host's command.
const commandMode = "dpilab-host-command"

// exitNoCommand is the exit code when a command cannot be put into its host.
const exitNoCommand = 126

// Command prepares a program on the host, with the host's network, name, /etc/resolv.conf and /etc/hosts, and everything
// else as the caller's. The process that it starts is the program itself, with the pid that exec.Cmd knows; ctx kills it.
// The caller may set Env, Dir, the streams and SysProcAttr, but neither Path nor Args.
func (h *Host) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, name, args...) // finds the program, or keeps in c.Err why not
	space := fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), h.NetNS())
	c.Args = append([]string{commandMode, h.Name, space, h.etcDir(), c.Path, name}, args...)
	c.Path = "/proc/self/exe"
	return c
}

// runCommand becomes the command: args are the host's name, its namespace, its files, the program, and the program's
// arguments from 0.
func runCommand(args []string) {
	if err := becomeCommand(args); err != nil {
		fmt.Fprintln(os.Stderr, "dpilab: "+err.Error())
	}
	os.Exit(exitNoCommand)
}

func becomeCommand(args []string) error {
	if len(args) < 5 {
		return fmt.Errorf("%s is for dpilab itself", commandMode)
	}
	host, space, etc, program, argv := args[0], args[1], args[2], args[3], args[4:]
	runtime.LockOSThread() // the thread that execs takes its namespaces along
	f, err := os.Open(space)
	if err != nil {
		return fmt.Errorf("open the network namespace of %s (is the lab closed?): %w", host, err)
	}
	if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter the network namespace of %s: %w", host, err)
	}
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_NEWUTS); err != nil {
		return fmt.Errorf("make a mount namespace for %s: %w", host, err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make the mounts of %s private: %w", host, err)
	}
	if err := mountEtc(etc); err != nil {
		return err
	}
	// /sys shows the network namespace that it was mounted in.
	if err := unix.Mount("sysfs", "/sys", "sysfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /sys for %s: %w", host, err)
	}
	if err := unix.Sethostname([]byte(host)); err != nil {
		return fmt.Errorf("set the host name %s: %w", host, err)
	}
	if err := unix.Exec(program, argv, os.Environ()); err != nil {
		return fmt.Errorf("start %s on %s: %w", program, host, err)
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
