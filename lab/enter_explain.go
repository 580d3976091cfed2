package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// readSetting gives the value of a kernel setting, "" where the kernel has none of that name.
func readSetting(name string) string {
	b, _ := os.ReadFile("/proc/sys/" + name)
	return strings.TrimSpace(string(b))
}

// explain turns a failed entry into one line that says what to do. setting reads a kernel setting by its path.
func explain(err error, setting func(string) string) string {
	const cannot = "cannot make user namespaces: "
	refused := errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES)
	switch {
	case errors.Is(err, unix.ENOSPC) && setting("user/max_user_namespaces") == "0":
		return cannot + "they are switched off; run: sudo sysctl user.max_user_namespaces=10000"
	case errors.Is(err, unix.ENOSPC):
		return cannot + "the limit is reached (user.max_user_namespaces or another user.max_*_namespaces, or 32 levels); raise it, or end what holds them"
	case refused && setting("kernel/unprivileged_userns_clone") == "0":
		return cannot + "the kernel keeps them for root; run: sudo sysctl kernel.unprivileged_userns_clone=1"
	case refused && setting("kernel/apparmor_restrict_unprivileged_userns") == "1":
		return cannot + "AppArmor restricts them; run: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0, or give the program a profile that allows userns"
	case refused:
		return fmt.Sprintf("%s%v; inside a container start it with --security-opt seccomp=unconfined --security-opt systempaths=unconfined (or --privileged), elsewhere look for a security module that forbids them", cannot, err)
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS):
		return fmt.Sprintf("%s%v; the kernel lacks CONFIG_USER_NS, or the process is in a chroot", cannot, err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("cannot re-execute the program: %v; mount /proc", err)
	}
	return fmt.Sprintf("cannot enter the lab's namespaces: %v", err)
}
