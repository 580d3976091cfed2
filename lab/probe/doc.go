// Package probe tries things from a host of a lab, as a client would, and says what came of them.
//
//	client := probe.From{Host: l.Host("client")}
//	o := probe.HTTPS("twitter.com").Try(ctx, client)
//	o.Kind    // probe.Reset
//	o.Story() // what was done when, line by line, up to the reset
//
// A Probe is what is tried, plain data. From is where, and by which way: Through sends the same probe through a proxy, a dialer
// that changes what it writes, or another TLS stack. An Outcome has one Kind, what the client had last done, and what was measured.
//
// Servers come from the lab's services; whatever speaks TLS trusts their CA and no other.
package probe
