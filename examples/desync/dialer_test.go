package desync

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/lab"
	"dpilab/lab/probe"
)

func TestMain(m *testing.M) { lab.Main(m) }

// Each policy blocks a name for a client that does nothing about it. Cutting the ClientHello helps against the box of 2022, and no more
// against that of 2025, which puts segments together.
func TestAgainstPolicies(t *testing.T) {
	for _, c := range []struct {
		policy, blocked string
		with            probe.Kind // what cutting comes to
	}{
		{"2022-paper", "twitter.com", probe.OK},
		{"2025-home", "x.com", probe.Reset},
	} {
		t.Run(c.policy, func(t *testing.T) {
			t.Parallel()
			net := lab.New(t, lab.WithPolicy(c.policy))
			direct := probe.From{Host: net.Client()}
			tool := &Dialer{Base: net.Client().Dialer(), Cut: 20, Pause: 20 * time.Millisecond}
			through := direct.Through(probe.Via{Dial: tool.DialContext})

			site := probe.HTTPS(c.blocked)
			site.Hello = probe.HelloShort // one segment, so that it is the tool that cuts

			without := site.Try(t.Context(), direct)
			require.Equal(t, probe.Reset, without.Kind, without.Story()) // the block is there
			with := site.Try(t.Context(), through)
			require.Equal(t, c.with, with.Kind, with.Story())

			for _, from := range []probe.From{direct, through} { // and what is not blocked is open, with the tool too
				open := probe.HTTPS("example.org").Try(t.Context(), from)
				require.Equal(t, probe.OK, open.Kind, open.Story())
			}
			hit, err := net.Hit(t.Context(), "")
			require.NoError(t, err)
			require.Equal(t, c.blocked, hit.Name, net.Story())
		})
	}
}

// Without a box, what is cut arrives whole.
func TestOnABareWire(t *testing.T) {
	net := lab.New(t)
	for _, cut := range []int{0, 1, 20, 100_000} {
		tool := &Dialer{Base: net.Client().Dialer(), Cut: cut}
		o := probe.HTTPS("twitter.com").Try(t.Context(), probe.From{Host: net.Client(), Via: probe.Via{Dial: tool.DialContext}})
		require.Equal(t, probe.OK, o.Kind, o.Story())
	}
}
