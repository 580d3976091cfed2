package scenarios

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

// dns resolves the probe's name.
func (a *attempt) dns(ctx context.Context) Outcome { return a.lookup(ctx) }

// resolver gives the address of the resolver that the probe asks.
func (a *attempt) resolver() (netip.Addr, *Outcome) {
	if a.Resolver != "" {
		return a.own(a.lab.Host(a.Resolver))
	}
	for _, addr := range a.client.ResolverAddrs() {
		if addr.Is6() == (a.Family == 6) {
			return addr, nil
		}
	}
	o := failed(fmt.Errorf("%s has no resolver with an IPv%d address", a.client.Name, a.Family))
	return netip.Addr{}, &o
}

// lookup asks for the addresses of the probe's family.
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
	q := new(dns.Msg).SetQuestion(dns.Fqdn(a.Host), kind)
	q.SetEdns0(1232, false)
	answer, bad := a.ask(ctx, network, netip.AddrPortFrom(server, lab.PortDNS), q)
	if bad != nil {
		return *bad
	}
	return a.answered(answer)
}

// ask sends a question and waits for its answer.
func (a *attempt) ask(ctx context.Context, network string, server netip.AddrPort, q *dns.Msg) (*dns.Msg, *Outcome) {
	start := time.Now()
	askCtx, cancel := context.WithTimeout(ctx, a.Timeout)
	defer cancel()
	raw, err := a.dial(askCtx, network, server)
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
		return failed(fmt.Errorf("%s has no IPv%d address", a.Host, a.Family))
	}
	o.Host = a.hostOf[o.Addrs[0]]
	return o
}
