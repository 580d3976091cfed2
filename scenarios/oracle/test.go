package oracle

import (
	"context"
	"sync"
	"time"

	"dpilab/lab"
	"dpilab/lab/probe"
)

// patience is how long a test waits for the next thing to happen: seventy times the way there and back. Tests begin one after the other,
// because so many handshakes at the same instant would make a busy machine look like a box.
const (
	patience = 1500 * time.Millisecond
	stagger  = 15 * time.Millisecond
)

// Kind is what a test goes over, by which signatures can speak of many tests at once.
type Kind string

// The kinds.
const (
	KindTCP     Kind = "tcp"     // a conversation
	KindConnect Kind = "connect" // an open connection, and nothing on it
	KindQUIC    Kind = "quic"
	KindUDP     Kind = "udp"
	KindCall    Kind = "call"
	KindDNS     Kind = "dns"
	KindPing    Kind = "ping"
)

var kinds = []string{string(KindTCP), string(KindConnect), string(KindQUIC), string(KindUDP), string(KindCall), string(KindDNS), string(KindPing)}

// Test is one thing that the oracle tries.
type Test struct {
	Name  string
	Kind  Kind
	About string
	Order Order

	try func(context.Context, *place) (Word, string)
}

// Order is when a test runs.
type Order int

// The orders.
const (
	Beside Order = iota // the others, and again when nothing comes back, because what is lost once need not be blocked
	Once                // beside them, but never again: it has connections counted
	Alone               // after all others: it measures a rate
)

// Observation is what a test came to.
type Observation struct {
	Test   string `json:"test"`
	Word   Word   `json:"word"`
	Detail string `json:"detail"` // what was seen, in a line
}

// place is where the oracle looks from: a client, and the two servers abroad that it has of its own.
type place struct {
	from    probe.From
	servers *servers
}

// Look runs all tests from the client of a lab of the topology internet, side by side, those of rates one after the other. servers are
// the oracle's own. When ctx ends, the observations are worth nothing, and its error says so.
func look(ctx context.Context, client *lab.Host, own *servers) ([]Observation, error) {
	p := &place{probe.From{Host: client}, own}
	all := make([]Observation, len(Tests))
	run := func(i int) {
		word, detail := Tests[i].try(ctx, p)
		if Tests[i].Order == Beside && lost(word) && ctx.Err() == nil {
			word, detail = Tests[i].try(ctx, p)
		}
		all[i] = Observation{Tests[i].Name, word, detail}
	}
	var wg sync.WaitGroup
	for i := range Tests {
		if Tests[i].Order != Alone {
			wg.Go(func() { run(i) })
			time.Sleep(stagger)
		}
	}
	wg.Wait()
	for i := range Tests {
		if Tests[i].Order == Alone {
			run(i)
		}
	}
	return all, ctx.Err()
}

// lost tells whether a word is for what comes to the same when packets are lost, or late, by chance.
func lost(w Word) bool {
	return w == Silent || w == Timeout || w == NoAnswer || w == Broken || w == Unknown
}

// tried makes a test of a probe.
func tried(p probe.Probe) func(context.Context, *place) (Word, string) {
	p.Timeout = patience
	return func(ctx context.Context, at *place) (Word, string) {
		o := p.Try(ctx, at.from)
		return wordOf(o), o.String()
	}
}
