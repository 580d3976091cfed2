package scenarios

import (
	"context"
	"net/netip"
	"sync"

	"dpilab/dpi"
	"dpilab/lab"
	"dpilab/lab/probe"
)

// attempt is a probe that is being tried in a phase.
type attempt struct {
	*Probe
	client *lab.Host
	want   Expectations
	turns  *turns

	mu      sync.Mutex
	sockets map[socket]bool
	remotes map[netip.Addr]bool
}

// socket tells the flows of one probe from those of others that go to the same server.
type socket struct {
	transport uint8 // IP protocol number
	v6        bool
	port      uint16 // the client's
}

func newAttempt(p *Probe, want Expectations, client *lab.Host) *attempt {
	return &attempt{Probe: p, client: client, want: want, sockets: map[socket]bool{}, remotes: map[netip.Addr]bool{}}
}

// rateTries is how often a rate that is not as expected is measured. A machine with other work is slow for a moment, a box
// that throttles is slow each time.
const rateTries = 3

// try runs the probe. ctx ends it early, and the outcome is then worth nothing.
func (a *attempt) try(ctx context.Context) probe.Outcome {
	from := probe.From{Host: a.client, OnSocket: a.note, Quiet: a.turns.wait}
	o := a.Try(ctx, from)
	for tries := 1; o.Transfer != nil && tries < rateTries && !a.want.Hold(o) && ctx.Err() == nil; tries++ {
		o = a.Try(ctx, from)
		if o.Transfer != nil {
			o.Transfer.Tries = tries + 1
		}
	}
	return o
}

// note remembers that a socket is the probe's.
func (a *attempt) note(s probe.Socket) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sockets[socket{s.Transport, s.To.Is6(), s.Port}] = true
	a.remotes[s.To] = true
}

// owns tells whether a flow is one of the probe's sockets'.
func (a *attempt) owns(f dpi.FlowID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := socket{f.Transport, f.Inside.Addr().Is6(), f.Inside.Port()}
	return a.sockets[s] && a.remotes[f.Outside.Addr()]
}
