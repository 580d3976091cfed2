package cli

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/lab"
)

// output is a buffer that is written and read at the same time.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

const dead = `policy: mine
date: 2026-01-01
about: one address
rules:
  - {rule: meta, when: {to: 203.0.113.2}, do: {drop: both}, source: {ref: choice}}
`

// The daemon alone, between the ports of a bridge and on a router: it blocks, reads its policy again on SIGHUP, and leaves an
// open wire.
func TestBoxAlone(t *testing.T) {
	live(t)
	for name, place := range map[string]struct {
		do   func(*lab.Lab) func(func() error) error
		args string
	}{
		"bridged": {func(l *lab.Lab) func(func() error) error { return l.Wire("box").Do }, "--inside inside --outside outside --queues 3"},
		"routed":  {func(l *lab.Lab) func(func() error) error { return l.Host("isp").Do }, "--inside access --outside uplink --routed --reference"},
	} {
		t.Run(name, func(t *testing.T) {
			top, err := lab.OpenTopology("subscriber")
			require.NoError(t, err)
			l, err := lab.Build(t.Context(), top, lab.Options{})
			require.NoError(t, err)
			defer l.Close()
			services, err := l.Serve(context.Background())
			require.NoError(t, err)
			defer services.Close()
			connects := func() bool {
				ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
				defer cancel()
				c, err := l.Host("client").DialContext(ctx, "tcp", net.JoinHostPort("203.0.113.2", "443"))
				if err == nil {
					c.Close()
				}
				return err == nil
			}
			policy := filepath.Join(t.TempDir(), "mine.yaml")
			require.NoError(t, os.WriteFile(policy, []byte(dead), 0o644))
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			var out output
			code := make(chan int, 1)
			go func() {
				_ = place.do(l)(func() error {
					code <- run(ctx, append([]string{"box", "--policy", policy, "--stats", "200ms"}, strings.Fields(place.args)...), &out, &out)
					return nil
				})
			}()
			require.Eventually(t, func() bool { return strings.Contains(out.String(), "policy mine") }, 10*time.Second, 10*time.Millisecond, out.String())
			require.False(t, connects())

			require.NoError(t, os.WriteFile(policy, []byte(strings.Replace(dead, "203.0.113.2", "203.0.113.3", 1)), 0o644))
			require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGHUP))
			require.Eventually(t, func() bool { return strings.Contains(out.String(), "read again") }, 10*time.Second, 10*time.Millisecond)
			require.True(t, connects())
			require.NoError(t, os.WriteFile(policy, []byte("rules: 1"), 0o644))
			require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGHUP))
			require.Eventually(t, func() bool { return strings.Contains(out.String(), "stays as it was") }, 10*time.Second, 10*time.Millisecond)

			require.Eventually(t, func() bool { return strings.Contains(out.String(), "flows open") }, 10*time.Second, 10*time.Millisecond, out.String())
			stop()
			require.Zero(t, <-code, out.String())
			require.True(t, connects())
			require.Regexp(t, `blocked [1-9]`, out.String())
		})
	}
}

// What the kernel decides by itself is some of a few words.
func TestBoxKernel(t *testing.T) {
	var out output
	require.NotZero(t, run(t.Context(), []string{"box", "--policy", "2025-home", "--inside", "a", "--outside", "b", "--kernel", "all,policing"}, &out, &out))
	require.Contains(t, out.String(), "none, all, or some of offload,blocks,skips")
}
