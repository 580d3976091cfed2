package oracle

import (
	"context"
	"slices"
	"time"

	"dpilab/lab/probe"
	"dpilab/scenarios/desync"
)

// registryDNS asks the provider's resolver, and a public one over TCP, which nobody was seen to touch (N4P#657).
func registryDNS(ctx context.Context, p *place) (Word, string) {
	return compared(ctx, p, probe.DNS(registry))
}

// publicDNS asks a public resolver who it is: whoami.akamai.net has the address of the resolver that asks.
func publicDNS(ctx context.Context, p *place) (Word, string) {
	return compared(ctx, p, dnsAt("whoami.akamai.net", "resolver"))
}

// compared tries a question, and compares the answer with that of the public resolver over TCP.
func compared(ctx context.Context, p *place, question probe.Probe) (Word, string) {
	truth := dnsAt(question.Host, "resolver")
	truth.TCP = true
	question.Timeout, truth.Timeout = patience, patience
	got := question.Try(ctx, p.from)
	if got.Kind != probe.OK {
		return wordOf(got), got.String()
	}
	want := truth.Try(ctx, p.from)
	switch {
	case want.Kind != probe.OK: // nothing to compare with: that there is an answer is what was seen
		return Open, got.String() + "; over TCP: " + want.String()
	case !slices.Equal(got.Addrs, want.Addrs):
		return Other, got.String() + "; over TCP: " + want.String()
	}
	return Open, got.String()
}

// call is a call of a second. That it is not set up, and that it loses packets, is the same to who calls.
func call(name, host string) func(context.Context, *place) (Word, string) {
	p := at(probe.Call(name), host)
	p.For = time.Second
	try := tried(p)
	return func(ctx context.Context, at *place) (Word, string) {
		word, detail := try(ctx, at)
		if word == NoAnswer {
			word = Broken
		}
		return word, detail
	}
}

// records hides the name from a box that does not join TLS records.
func records(ctx context.Context, p *place) (Word, string) {
	strategy, err := desync.Parse("tlsrec sni+1")
	if err != nil {
		return Unknown, err.Error()
	}
	d := strategy.Dialer(p.from.Host.Do)
	cut := &place{p.from.Through(probe.Via{Dial: d.DialContext}), p.servers}
	return tried(site(listed, "x", probe.HelloShort))(ctx, cut)
}
