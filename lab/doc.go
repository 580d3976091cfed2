// Package lab makes a small internet out of network namespaces: hosts, routers, links with a rate and a delay, and
// links that pass through a box. It needs Linux and user namespaces; no root, no ip, no nft, no uplink.
//
// # In a test
//
// New gives a test a net that runs: the hosts of a topology, their services, and a box with a policy. This is a whole test file:
//
//	package mytool
//
//	import (
//		"testing"
//
//		"github.com/stretchr/testify/require"
//
//		"dpilab/lab"
//		"dpilab/lab/probe"
//	)
//
//	func TestMain(m *testing.M) { lab.Main(m) } // the package's tests run in namespaces of their own
//
//	func TestGetsThroughTheFilter(t *testing.T) {
//		t.Parallel() // every net is its own
//		net := lab.New(t, lab.WithPolicy("2022-paper"))
//		direct := probe.From{Host: net.Client()}
//		tool := &Dialer{Base: net.Client().Dialer()}
//		through := direct.Through(probe.Via{Dial: tool.DialContext})
//
//		site := probe.HTTPS("twitter.com")
//		site.Hello = probe.HelloShort // one packet, as clients of 2022 sent it
//
//		o := site.Try(t.Context(), direct)
//		require.Equal(t, probe.Reset, o.Kind, o.Story()) // blocked without the tool
//		o = site.Try(t.Context(), through)
//		require.Equal(t, probe.OK, o.Kind, o.Story()) // open with it
//		o = probe.HTTPS("example.org").Try(t.Context(), direct)
//		require.Equal(t, probe.OK, o.Kind, o.Story()) // and others are open anyway
//	}
//
// A test that fails prints what the client did, by Story, and what the box did. On a Host, Command runs programs, Dialer and
// Listen open connections, and Do runs anything else in its network. The folder examples/desync is a module that tests its dialer so.
//
// # In a program
//
// Start gives the same net to any program. Build, Serve and StartBox are its parts:
//
//	func main() {
//		lab.Enter() // re-executes the process in namespaces of its own; the rest runs inside
//		t, err := lab.OpenTopology("subscriber")
//		...
//		l, err := lab.Build(ctx, t, lab.Options{})
//		defer l.Close()
//		c, err := l.Host("client").DialContext(ctx, "tcp", "203.0.113.2:443")
//	}
//
// # What it is made of
//
// A link's delay is netem's where the kernel has it. Elsewhere verdicts of a netfilter queue are held for it: never less than
// the delay, and about a quarter of a millisecond more each way on two busy cores (delay.go has the figures). Rates are TBF's.
//
// Nothing leaves a lab: the only interfaces are those that Build makes, and they end in the lab. When the process dies,
// by whatever signal, the kernel removes all of it.
package lab
