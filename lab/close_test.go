package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
)

// usage counts what a lab can leave behind. Threads count as left when they are in a namespace of the lab; the runtime keeps
// others as it likes.
type usage struct{ goroutines, threads, files int }

func measure(t *testing.T) usage {
	t.Helper()
	u := usage{goroutines: runtime.NumGoroutine()}
	own, err := os.Readlink("/proc/self/ns/net")
	require.NoError(t, err)
	tasks, err := filepath.Glob("/proc/self/task/*/ns/net")
	require.NoError(t, err)
	for _, task := range tasks {
		if space, err := os.Readlink(task); err == nil && space != own { // a thread can end meanwhile
			u.threads++
		}
	}
	files, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	u.files = len(files)
	return u
}

func TestCloseLeavesNothing(t *testing.T) {
	live(t)
	topology, err := OpenTopology("subscriber")
	require.NoError(t, err)
	once := func() {
		l, err := Build(t.Context(), topology, Options{})
		require.NoError(t, err)
		_, err = l.Capture(t.TempDir())
		require.NoError(t, err)
		markers := mark(t, l)
		require.NoError(t, l.Close())
		require.NoError(t, l.Close())
		require.NoDirExists(t, l.dir)
		// A veth pair whose other end is in a namespace goes with the namespace.
		require.Eventually(t, func() bool {
			for _, m := range markers {
				if _, err := netlink.LinkByName(m); err == nil {
					return false
				}
			}
			return true
		}, 20*time.Second, 10*time.Millisecond, "a namespace is left")
	}
	once() // opens what is kept, such as the runtime's poller
	before := measure(t)
	for range 3 {
		once()
	}
	requireNoMore(t, before)
}

// requireNoMore waits until no more is in use than before.
func requireNoMore(t *testing.T, before usage) {
	t.Helper()
	now := measure(t)
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); now = measure(t) {
		if now.goroutines <= before.goroutines && now.files <= before.files && now.threads <= before.threads {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	require.Fail(t, "something is left", "before %+v, after %+v", before, now)
}

// mark puts one end of a veth pair into every namespace of the lab, and gives the names of the other ends, which stay here.
func mark(t *testing.T, l *Lab) []string {
	t.Helper()
	var names []string
	for i, n := range l.spaces {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = fmt.Sprintf("marker%d", i)
		require.NoError(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "marker", PeerNamespace: netlink.NsFd(n.fd())}))
		names = append(names, attrs.Name)
	}
	return names
}

func TestBuildThatIsCancelledLeavesNothing(t *testing.T) {
	live(t)
	topology, err := OpenTopology("subscriber")
	require.NoError(t, err)
	l, err := Build(t.Context(), topology, Options{}) // opens what is kept, such as the runtime's poller
	require.NoError(t, err)
	require.NoError(t, l.Close())
	before := measure(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Build(ctx, topology, Options{})
	require.ErrorIs(t, err, context.Canceled)
	for _, wait := range []time.Duration{time.Millisecond, 10 * time.Millisecond, 50 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		if l, err := Build(ctx, topology, Options{}); err == nil {
			require.NoError(t, l.Close())
		} else {
			require.True(t, strings.Contains(err.Error(), "context deadline exceeded"), err)
		}
		cancel()
	}
	requireNoMore(t, before)
}

func TestBuildChecksATopologyWrittenInGo(t *testing.T) {
	_, err := Build(t.Context(), &Topology{Name: "empty"}, Options{})
	require.EqualError(t, err, "topology: hosts: there is no host; write at least one under hosts")
}
