package service

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Forwarder is an Answerer that passes each query on, as a provider's resolver does: over UDP first, and over TCP when
// the answer says it was truncated. It keeps no cache. Without an answer in time it says SERVFAIL. Safe for concurrent
// use; do not change the fields meanwhile.
type Forwarder struct {
	Upstream string        // "address:port"
	Dial     DialFunc      // how to get there; nil: net.Dialer
	Timeout  time.Duration // for one try, of which UDP has two. 0: two seconds
}

// Answer implements Answerer.
func (f *Forwarder) Answer(ctx context.Context, q *dns.Msg, _ netip.Addr) *dns.Msg {
	up := q.Copy()
	up.Id = dns.Id()
	a, err := f.ask(ctx, "udp", up)
	if err != nil {
		a, err = f.ask(ctx, "udp", up)
	}
	if err == nil && a.Truncated {
		a, err = f.ask(ctx, "tcp", up)
	}
	if err != nil {
		a = new(dns.Msg).SetRcode(q, dns.RcodeServerFailure)
		a.RecursionAvailable = true
	}
	return a
}

func (f *Forwarder) ask(ctx context.Context, network string, q *dns.Msg) (*dns.Msg, error) {
	timeout := f.Timeout
	if timeout <= 0 {
		timeout = 2 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	dial := f.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	conn, err := dial(ctx, network, f.Upstream)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	restore := abortOnDone(ctx, conn)
	exchange := exchangeUDP
	if network == "tcp" {
		exchange = exchangeTCP
	}
	a, err := exchange(conn, q)
	return a, restore(err)
}

// exchangeUDP sends q and reads until its answer comes; what is no DNS or answers something else is passed over.
func exchangeUDP(conn net.Conn, q *dns.Msg) (*dns.Msg, error) {
	out, err := q.Pack()
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(out); err != nil {
		return nil, err
	}
	buf := make([]byte, dns.MaxMsgSize)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return nil, err
		}
		a := new(dns.Msg)
		if a.Unpack(buf[:n]) == nil && answers(a, q) {
			return a, nil
		}
	}
}

func exchangeTCP(conn net.Conn, q *dns.Msg) (*dns.Msg, error) {
	stream := &dns.Conn{Conn: conn}
	if err := stream.WriteMsg(q); err != nil {
		return nil, err
	}
	a, err := stream.ReadMsg()
	if err != nil {
		return nil, err
	}
	if !answers(a, q) {
		return nil, errors.New("the answer is to another question")
	}
	return a, nil
}

func answers(a, q *dns.Msg) bool {
	if !a.Response || a.Id != q.Id || len(a.Question) != 1 {
		return false
	}
	x, y := a.Question[0], q.Question[0]
	return x.Qtype == y.Qtype && x.Qclass == y.Qclass && strings.EqualFold(x.Name, y.Name)
}
