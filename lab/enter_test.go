package lab

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// helperEnv makes a process that runs this test binary do what the value says, see TestHelper.
const helperEnv = "DPILAB_TEST_HELPER"

// helper starts this test binary again, from outside as a user would: it goes through Enter itself.
func helper(t *testing.T, what string) *exec.Cmd {
	c := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestHelper$", "-test.count=1")
	c.Env = append(os.Environ(), helperEnv+"="+what)
	c.Stderr = os.Stderr
	return c
}

// TestHelper is not a test: it is what a process that helper started does.
func TestHelper(t *testing.T) {
	switch os.Getenv(helperEnv) {
	case "exit 7":
		os.Exit(7)
	case "linger":
		l := build(t, pair("delay: 1ms"))
		c := l.Host("a").Command(t.Context(), "sleep", "1000")
		require.NoError(t, c.Start())
		fmt.Println("ready")
		require.NoError(t, c.Wait())
	case "report":
		fmt.Printf("pid %d uid %d env %q\n", os.Getpid(), os.Getuid(), os.Getenv(innerEnv))
		os.Exit(0)
	}
}

func TestEnterPassesTheExitCodeOn(t *testing.T) {
	var exit *exec.ExitError
	require.ErrorAs(t, helper(t, "exit 7").Run(), &exit)
	require.Equal(t, 7, exit.ExitCode())
}

func TestEnterIsRootAndFirstProcessInside(t *testing.T) {
	out, err := helper(t, "report").Output()
	require.NoError(t, err)
	require.Equal(t, "pid 1 uid 0 env \"\"\n", string(out))
}

func TestNothingIsLeftAfterKill(t *testing.T) {
	outer, inner := linger(t)
	require.GreaterOrEqual(t, len(inner), 2, "the process inside, and its sleep")
	require.NoError(t, outer.Process.Kill())
	_ = outer.Wait()
	requireGone(t, inner)
}

func TestTermReachesTheProcessInside(t *testing.T) {
	outer, inner := linger(t)
	require.NoError(t, outer.Process.Signal(syscall.SIGTERM))
	var exit *exec.ExitError
	require.ErrorAs(t, outer.Wait(), &exit)
	require.Equal(t, 2, exit.ExitCode(), "what Go gives when a first process does not handle a signal")
	requireGone(t, inner)
}

// linger starts a helper with a lab and gives it and the pids of what runs inside it.
func linger(t *testing.T) (*exec.Cmd, []string) {
	t.Helper()
	c := helper(t, "linger")
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "ready" {
	}
	require.Equal(t, "ready", lines.Text())
	return c, descendants(t, fmt.Sprint(c.Process.Pid))
}

// descendants gives the pids of all processes below this one.
func descendants(t *testing.T, root string) []string {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	require.NoError(t, err)
	children := map[string][]string{}
	for _, e := range entries {
		if _, parent := state(e.Name()); parent != "" {
			children[parent] = append(children[parent], e.Name())
		}
	}
	var all []string
	for queue := []string{root}; len(queue) > 0; queue = queue[1:] {
		all = append(all, children[queue[0]]...)
		queue = append(queue, children[queue[0]]...)
	}
	return all
}

// state gives the state and the parent of a process, nothing when there is none.
func state(pid string) (state, parent string) {
	b, err := os.ReadFile("/proc/" + pid + "/stat")
	if errors.Is(err, fs.ErrNotExist) || err != nil {
		return "", ""
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	f := strings.Fields(rest)
	return f[0], f[1]
}

func requireGone(t *testing.T, pids []string) {
	t.Helper()
	require.Eventually(t, func() bool {
		for _, pid := range pids {
			if s, _ := state(pid); s != "" && s != "Z" && s != "X" { // a zombie has no namespaces any more
				return false
			}
		}
		return true
	}, 5*time.Second, 10*time.Millisecond)
}

func TestExplainSaysWhatToDo(t *testing.T) {
	for _, c := range []struct {
		err      error
		settings map[string]string
		want     string
	}{
		{unix.ENOSPC, map[string]string{"user/max_user_namespaces": "0"}, "sudo sysctl user.max_user_namespaces=10000"},
		{unix.ENOSPC, nil, "raise it"},
		{unix.EPERM, map[string]string{"kernel/unprivileged_userns_clone": "0"}, "sudo sysctl kernel.unprivileged_userns_clone=1"},
		{unix.EACCES, map[string]string{"kernel/apparmor_restrict_unprivileged_userns": "1"}, "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"},
		{unix.EPERM, map[string]string{"kernel/unprivileged_userns_clone": "1"}, "--security-opt seccomp=unconfined"},
		{unix.EINVAL, nil, "CONFIG_USER_NS"},
		{fs.ErrNotExist, nil, "mount /proc"},
		{errors.New("other"), nil, "other"},
	} {
		got := explain(fmt.Errorf("fork/exec: %w", c.err), func(name string) string { return c.settings[name] })
		require.Contains(t, got, c.want)
		require.NotContains(t, got, "\n")
	}
}

// The limit is of the user namespace that the process is in, so a test can set its own to nothing.
func TestEnterRefusedExitsWithThree(t *testing.T) {
	before, err := os.ReadFile("/proc/sys/user/max_user_namespaces")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0))
	defer func() { require.NoError(t, os.WriteFile("/proc/sys/user/max_user_namespaces", before, 0)) }()
	c := helper(t, "report")
	var stderr strings.Builder
	c.Stderr = &stderr
	var exit *exec.ExitError
	require.ErrorAs(t, c.Run(), &exit)
	require.Equal(t, exitNoNamespaces, exit.ExitCode())
	require.Equal(t, "dpilab: cannot make user namespaces: they are switched off; run: sudo sysctl user.max_user_namespaces=10000\n", stderr.String())
}
