// Package lab makes a small internet out of network namespaces: hosts, routers, links with a rate and a delay, and
// links that pass through a box. It needs Linux and user namespaces; no root, no ip, no nft, no uplink.
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
// A link's delay is netem's where the kernel has it. Elsewhere verdicts of a netfilter queue are held for it: never less than
// the delay, and about a quarter of a millisecond more each way on two busy cores (delay.go has the figures). Rates are TBF's.
//
// Nothing leaves a lab: the only interfaces are those that Build makes, and they end in the lab. When the process dies,
// by whatever signal, the kernel removes all of it.
package lab
