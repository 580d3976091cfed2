package scenarios

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"dpilab/lab"
)

// bench is where the probes of a phase are tried.
type bench struct {
	scenario *Scenario
	lab      *lab.Lab
	services *lab.Services
	client   *lab.Host
	hostOf   map[netip.Addr]string // hosts and routers by address
	line     float64               // bits a second of the client's line, 0: unknown
}

func newBench(s *Scenario, l *lab.Lab, services *lab.Services) *bench {
	b := &bench{scenario: s, lab: l, services: services, client: l.Host(s.Client), hostOf: map[netip.Addr]string{}}
	names := append([]string(nil), s.Topology.Routers...)
	for _, h := range s.Topology.Hosts {
		names = append(names, h.Name)
	}
	for _, name := range names {
		for _, a := range l.Host(name).Addrs() {
			b.hostOf[a] = name
		}
	}
	for _, link := range s.Topology.Links {
		for _, end := range link.Ends {
			if end.Node == s.Client && link.Rate > 0 && b.line == 0 {
				b.line = float64(link.Rate)
			}
		}
	}
	return b
}

// socket tells the flows of one probe from those of others that go to the same server.
type socket struct {
	transport uint8 // IP protocol number
	v6        bool
	port      uint16 // the client's
}

// attempt is a probe that is being tried once.
type attempt struct {
	*Probe
	*bench
	want  Expectations
	turns *turns

	mu      sync.Mutex
	sockets map[socket]bool
	remotes map[netip.Addr]bool
}

func newAttempt(p *Probe, want Expectations, b *bench) *attempt {
	return &attempt{Probe: p, bench: b, want: want, sockets: map[socket]bool{}, remotes: map[netip.Addr]bool{}}
}

// rateTries is how often a rate that is not as expected is measured. A machine with other work is slow for a moment, a box
// that throttles is slow each time.
const rateTries = 3

// try runs the probe. ctx ends it early, and the outcome is then worth nothing.
func (a *attempt) try(ctx context.Context) Outcome {
	start := time.Now()
	o := a.run(ctx)
	for tries := 1; o.Transfer != nil && tries < rateTries && !a.want.Hold(o) && ctx.Err() == nil; tries++ {
		start = time.Now()
		o = a.run(ctx)
		if o.Transfer != nil {
			o.Transfer.Tries = tries + 1
		}
	}
	if o.Kind == OK && o.After == 0 {
		o.After = time.Since(start)
	}
	return o
}

func (a *attempt) run(ctx context.Context) Outcome {
	switch a.Kind {
	case ProbeDNS:
		return a.dns(ctx)
	case ProbeConnect:
		return a.connect(ctx)
	case ProbeHTTP, ProbeHTTPS:
		return a.page(ctx)
	case ProbeHTTP3:
		return a.http3(ctx)
	case ProbeChat:
		return a.chat(ctx)
	case ProbeCall:
		return a.call(ctx)
	case ProbeDownload:
		return a.download(ctx)
	case ProbePing:
		return a.ping(ctx)
	case ProbeTraceroute:
		return a.traceroute(ctx)
	case ProbeExec:
		return a.exec(ctx)
	}
	return failed(fmt.Errorf("the probe %q tries nothing", a.Name))
}

// address finds where the probe goes: a host of the lab, an address, or what the resolver says. It fails with an outcome.
func (a *attempt) address(ctx context.Context) (netip.Addr, *Outcome) {
	name := a.Host
	if a.Address != "" {
		name = a.Address
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		return addr, nil
	}
	if h := a.lab.Host(name); h != nil {
		return a.own(h)
	}
	o := a.lookup(ctx)
	if o.Kind != OK {
		return netip.Addr{}, &o
	}
	return o.Addrs[0], nil
}

// own gives a host's address of the probe's family.
func (a *attempt) own(h *lab.Host) (netip.Addr, *Outcome) {
	addr := h.Addr4()
	if a.Family == 6 {
		addr = h.Addr6()
	}
	if !addr.IsValid() {
		o := failed(fmt.Errorf("%s has no IPv%d address", h.Name, a.Family))
		return addr, &o
	}
	return addr, nil
}
