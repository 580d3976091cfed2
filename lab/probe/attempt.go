package probe

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"dpilab/lab"
)

// attempt is a probe that is being tried once. It belongs to one goroutine.
type attempt struct {
	Probe
	From
	lab   *lab.Lab
	story story

	dialled   time.Time     // when the way to the target began, the zero time before that
	waited    time.Duration // for quiet, since then
	handshake time.Duration
	firstByte time.Duration
}

// Try tries the probe once. ctx ends it early, and the outcome is then worth nothing. Any goroutine.
func (p Probe) Try(ctx context.Context, from From) Outcome {
	a := &attempt{Probe: p.whole(), From: from}
	a.story.begin()
	o := a.try(ctx)
	if o.Kind == OK && o.After == 0 {
		o.After = time.Since(a.story.start)
	}
	o.Handshake, o.FirstByte = a.handshake, a.firstByte
	a.story.add("%s", o)
	o.Steps = a.story.steps
	return o
}

func (a *attempt) try(ctx context.Context) Outcome {
	if err := a.check(); err != nil {
		return failed(err)
	}
	a.lab = a.From.Host.Lab()
	if why := a.Via.carries(&a.Probe); why != "" {
		return Outcome{Kind: Skipped, Detail: why}
	}
	switch a.Type {
	case TypeDNS:
		return a.lookup(ctx)
	case TypeConnect:
		return a.connect(ctx)
	case TypeHTTP, TypeHTTPS:
		return a.pages(ctx)
	case TypeHTTP3:
		return a.http3(ctx)
	case TypeChat:
		return a.chat(ctx)
	case TypeCall:
		return a.call(ctx)
	case TypeDownload:
		if a.QUIC {
			return a.http3(ctx)
		}
		return a.download(ctx)
	case TypeWireGuard:
		return a.wireguard(ctx)
	case TypePing:
		return a.ping(ctx)
	case TypeTraceroute:
		return a.traceroute(ctx)
	case TypeExec:
		return a.exec(ctx)
	}
	return failed(fmt.Errorf("found a probe of the type %q, which tries nothing", a.Type))
}

// since is the time since the way to the target began, without what was waited for quiet.
func (a *attempt) since() time.Duration { return time.Since(a.dialled) - a.waited }

// quiet waits until a rate can be measured.
func (a *attempt) quiet(ctx context.Context) error {
	if a.Quiet == nil {
		return nil
	}
	start := time.Now()
	defer func() { a.waited += time.Since(start) }()
	return a.Quiet(ctx)
}

// address finds where the probe goes: a host of the lab, an address, or what the resolver says. It fails with an outcome.
func (a *attempt) address(ctx context.Context) (netip.Addr, *Outcome) {
	if addr, known, bad := a.known(); known || bad != nil {
		return addr, bad
	}
	o := a.lookup(ctx)
	if o.Kind != OK {
		return netip.Addr{}, &o
	}
	return o.Addrs[0], nil
}

// known gives the address of the target where no resolver need be asked for it.
func (a *attempt) known() (addr netip.Addr, known bool, bad *Outcome) {
	name := a.Probe.Host
	if a.Address != "" {
		name = a.Address
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		return addr, true, nil
	}
	if h := a.lab.Host(name); h != nil {
		addr, bad = a.own(h)
		return addr, bad == nil, bad
	}
	if a.Address != "" {
		o := failed(fmt.Errorf("the lab has no host %q", a.Address))
		return addr, false, &o
	}
	return addr, false, nil
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

// nameOf gives the lab's name for an address, "" when nobody has it.
func (a *attempt) nameOf(addr netip.Addr) string {
	if h := a.lab.HostAt(addr); h != nil {
		return h.Name
	}
	return ""
}
