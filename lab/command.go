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
	return h.command(ctx, "root", name, args)
}

// PlainCommand is Command for a program without any capability, now or later: its user id is root's, the only one that there is, but it
// may no more than any user.
func (h *Host) PlainCommand(ctx context.Context, name string, args ...string) *exec.Cmd {
	return h.command(ctx, plainUser, name, args)
}

// plainUser is the word for a command without capabilities.
const plainUser = "plain"

func (h *Host) command(ctx context.Context, user, name string, args []string) *exec.Cmd {
	c := exec.CommandContext(ctx, name, args...) // finds the program, or keeps in c.Err why not
	space := fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), h.NetNS())
	c.Args = append([]string{commandMode, h.Name, space, h.etcDir(), user, c.Path, name}, args...)
	c.Path = "/proc/self/exe"
	return c
}

// runCommand becomes the command: args are the host's name, its namespace, its files, the user, the program, and the program's
// arguments from 0.
func runCommand(args []string) {
	if err := becomeCommand(args); err != nil {
		fmt.Fprintln(os.Stderr, "dpilab: "+err.Error())
	}
	os.Exit(exitNoCommand)
}

func becomeCommand(args []string) error {
	if len(args) < 6 {
		return fmt.Errorf("%s is for dpilab itself", commandMode)
	}
	host, space, etc, user, program, argv := args[0], args[1], args[2], args[3], args[4], args[5:]
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
	if user == plainUser {
		if err := dropCapabilities(); err != nil {
			return fmt.Errorf("take the capabilities of %s away: %w", program, err)
		}
	}
	if err := unix.Exec(program, argv, os.Environ()); err != nil {
		return fmt.Errorf("start %s on %s: %w", program, host, err)
	}
	return nil
}

// dropCapabilities leaves none to the thread, nor to what it executes: root gets back what is in the bounding set, so that is emptied too
// (capabilities(7), "Capabilities and execution of programs by root").
func dropCapabilities() error {
	for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil && err != unix.EINVAL { // EINVAL: an older kernel's last one
			return err
		}
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return err
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	return unix.Capset(&header, &none[0])
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
