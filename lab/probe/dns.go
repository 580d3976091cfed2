package probe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"dpilab/lab"
)

// dnsRetry is when a question over UDP is asked again, as the C library does after some seconds (choice: sooner).
const dnsRetry = time.Second

// resolver gives the DNS server that the probe asks.
func (a *attempt) resolver() (netip.AddrPort, *Outcome) {
	if a.Via.Resolver != "" {
		server, err := netip.ParseAddrPort(a.Via.Resolver)
		if err != nil {
			o := failed(fmt.Errorf("found %q as the resolver of the way, expected address:port", a.Via.Resolver))
			return server, &o
		}
		return server, nil
	}
	if a.Resolver != "" {
		h := a.lab.Host(a.Resolver)
		if h == nil {
			o := failed(fmt.Errorf("the lab has no host %q, whose DNS is to be asked", a.Resolver))
			return netip.AddrPort{}, &o
		}
		addr, bad := a.own(h)
		return netip.AddrPortFrom(addr, lab.PortDNS), bad
	}
	for _, addr := range a.From.Host.ResolverAddrs() {
		if addr.Is6() == (a.Family == 6) {
			return netip.AddrPortFrom(addr, lab.PortDNS), nil
		}
	}
	o := failed(fmt.Errorf("%s has no resolver with an IPv%d address", a.From.Host.Name, a.Family))
	return netip.AddrPort{}, &o
}

// lookup asks for the addresses of the probe's family. What another probe needs a name for is asked by the host's own
// way, or by a way that carries datagrams and whose far end resolves.
func (a *attempt) lookup(ctx context.Context) Outcome {
	server, bad := a.resolver()
	if bad != nil {
		return *bad
	}
	kind := dns.TypeA
	if a.Family == 6 {
		kind = dns.TypeAAAA
	}
	network := "udp"
	if a.TCP {
		network = "tcp"
	}
	q := new(dns.Msg).SetQuestion(dns.Fqdn(a.Probe.Host), kind)
	q.SetEdns0(1232, false)
	a.story.add("asks %s for %s", server, a.Probe.Host)
	answer, bad := a.ask(ctx, network, server, q)
	if bad != nil {
		return *bad
	}
	o := a.answered(answer)
	if o.Kind == OK && a.Type != TypeDNS {
		a.story.add("%s", o)
	}
	return o
}

// ask sends a question and waits for its answer.
func (a *attempt) ask(ctx context.Context, network string, server netip.AddrPort, q *dns.Msg) (*dns.Msg, *Outcome) {
	start := time.Now()
	askCtx, cancel := context.WithTimeout(ctx, a.Timeout)
	defer cancel()
	dial := a.dial
	if a.Type == TypeDNS || a.Via.Resolves && a.Via.ListenPacket != nil {
		dial = a.dialVia
	}
	raw, err := dial(askCtx, network, server)
	if err != nil {
		o := refusal(err, time.Since(start))
		return nil, &o
	}
	c := &dns.Conn{Conn: raw}
	defer c.Close()
	defer context.AfterFunc(askCtx, func() { c.SetDeadline(time.Unix(1, 0)) })()
	if err := c.WriteMsg(q); err != nil {
		o := a.unanswered(err, time.Since(start))
		return nil, &o
	}
	if network == "udp" {
		again := time.AfterFunc(dnsRetry, func() { c.WriteMsg(q) })
		defer again.Stop()
	}
	for {
		m, err := c.ReadMsg()
		if err != nil {
			o := a.unanswered(err, time.Since(start))
			return nil, &o
		}
		if m.Id == q.Id && m.Response {
			return m, nil
		}
	}
}

func (a *attempt) unanswered(err error, after time.Duration) Outcome {
	o := Outcome{Kind: NoAnswer, Stage: StageDNS, After: after}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		o.Kind = Refused
	case errors.Is(err, syscall.ECONNRESET):
		o.Kind = Reset
	case isUnreachable(err):
		o.Kind = Unreachable
	}
	return o
}

// answered reads the answer.
func (a *attempt) answered(m *dns.Msg) Outcome {
	o := Outcome{Kind: OK, Stage: StageDNS}
	for _, r := range m.Answer {
		var addr netip.Addr
		switch r := r.(type) {
		case *dns.A:
			addr, _ = netip.AddrFromSlice(r.A)
		case *dns.AAAA:
			addr, _ = netip.AddrFromSlice(r.AAAA)
		}
		if addr = addr.Unmap(); addr.IsValid() {
			o.Addrs = append(o.Addrs, addr)
		}
	}
	switch {
	case m.Rcode == dns.RcodeNameError:
		return Outcome{Kind: NXDomain, Stage: StageDNS}
	case m.Rcode != dns.RcodeSuccess:
		return failed(fmt.Errorf("the resolver answers %s", strings.ToLower(dns.RcodeToString[m.Rcode])))
	case len(o.Addrs) == 0:
		return failed(fmt.Errorf("%s has no IPv%d address", a.Probe.Host, a.Family))
	}
	o.Host = a.nameOf(o.Addrs[0])
	return o
}
