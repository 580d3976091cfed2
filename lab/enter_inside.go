package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// runDir is where labs keep their files: on the tmpfs that Enter mounts, so that they go with the namespace.
const runDir = "/run/dpilab"

// The process itself, which is in no host's namespace, asks nobody. Host.Resolver gives these two addresses a meaning.
const (
	noResolver4 = "127.0.0.1"
	noResolver6 = "::1"
)

const nsswitch = "hosts: files dns\n"

func inside() error {
	// The main thread stays with the main goroutine. Go cannot end it, as it ends other threads whose goroutine leaves them in
	// another namespace: it would keep that namespace, and show it in /proc/self.
	runtime.LockOSThread()
	mounts := []struct {
		source, target, kind string
		flags                uintptr
	}{
		{"", "/", "", unix.MS_REC | unix.MS_PRIVATE},
		{"proc", "/proc", "proc", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC},
		{"tmpfs", "/run", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV},
		{"sysfs", "/sys", "sysfs", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC},
	}
	for _, m := range mounts {
		if err := unix.Mount(m.source, m.target, m.kind, m.flags, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.target, err)
		}
	}
	if err := os.MkdirAll("/run/netns", 0o755); err != nil {
		return err
	}
	// Before anything listens: package net asks once whether there is IPv6, by binding ::1.
	if err := loopbackUp(); err != nil {
		return fmt.Errorf("bring up lo: %w", err)
	}
	etc := etcFiles{
		resolv: "nameserver " + noResolver4 + "\nnameserver " + noResolver6 + "\n",
		hosts:  localhost,
	}
	dir := filepath.Join(runDir, "etc")
	if err := etc.write(dir); err != nil {
		return err
	}
	return mountEtc(dir)
}

const localhost = "127.0.0.1 localhost\n::1 localhost\n"

// etcFiles is what a host's /etc says about names.
type etcFiles struct{ resolv, hosts string }

func (e etcFiles) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range map[string]string{"resolv.conf": e.resolv, "hosts": e.hosts, "nsswitch.conf": nsswitch} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// mountEtc puts the files of dir over those of /etc, in the mount namespace of the calling thread. A file that the
// machine does not have and that cannot be made is left out: programs then use their defaults.
func mountEtc(dir string) error {
	for _, name := range []string{"resolv.conf", "hosts", "nsswitch.conf"} {
		target, err := mountPoint(filepath.Join("/etc", name))
		if err != nil {
			continue
		}
		if err := unix.Mount(filepath.Join(dir, name), target, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mount over %s: %w", target, err)
		}
	}
	return nil
}

// mountPoint gives the file that path names. Where path is a link to nothing, as /etc/resolv.conf is when its target is
// in the /run that Enter has covered, the target is made.
func mountPoint(path string) (string, error) {
	for range 8 {
		link, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(link) {
			link = filepath.Join(filepath.Dir(path), link)
		}
		path = link
	}
	_, err := os.Stat(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	if !strings.HasPrefix(path, "/run/") {
		return "", err // the machine's own file system stays as it is
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	return path, os.WriteFile(path, nil, 0o644)
}

func loopbackUp() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(lo)
}
