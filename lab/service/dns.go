package service

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// ednsSize is the UDP size our servers announce and keep to: fragments are avoided (DNS flag day 2020).
const ednsSize = 1232

// ServeDNS answers DNS over UDP on pc and over TCP on l, from the same Answerer; one of the two may be nil. With l a
// TLS listener it is DNS over TLS. Answers that do not fit are truncated; queries with EDNS0 get an answer with it.
func ServeDNS(ctx context.Context, pc net.PacketConn, l net.Listener, a Answerer) (*Server, error) {
	if pc == nil && l == nil {
		return nil, errors.New("serving DNS over nothing: neither a packet connection nor a listener")
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	h := dnsHandler{run, a}
	var servers []*dnsServer
	var addr net.Addr
	if l != nil {
		addr = l.Addr()
		servers = append(servers, startDNS(&dns.Server{Listener: l, Handler: h, ReadTimeout: 20 * time.Second,
			IdleTimeout: func() time.Duration { return 20 * time.Second }}))
	}
	if pc != nil {
		addr = pc.LocalAddr()
		servers = append(servers, startDNS(&dns.Server{PacketConn: pc, Handler: h, UDPSize: dns.DefaultMsgSize}))
	}
	return newServer(ctx, addr, func() error {
		cancel()
		var err error
		for _, s := range servers {
			err = errors.Join(err, s.stop())
		}
		return err
	}), nil
}

// dnsServer is a running server of the library.
type dnsServer struct {
	*dns.Server
	ended chan struct{}
	err   error // valid when ended is closed
}

func startDNS(s *dns.Server) *dnsServer {
	d := &dnsServer{Server: s, ended: make(chan struct{})}
	started := make(chan struct{})
	s.NotifyStartedFunc = func() { close(started) }
	go func() {
		defer close(d.ended)
		d.err = s.ActivateAndServe()
	}()
	select { // it can't be shut down before it has started
	case <-started:
	case <-d.ended:
	}
	return d
}

func (d *dnsServer) stop() error {
	d.Shutdown() // fails only if the server has ended by itself
	<-d.ended
	return d.err
}

// dnsHandler joins an Answerer to the library.
type dnsHandler struct {
	ctx context.Context // done when the service ends
	a   Answerer
}

func (h dnsHandler) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	a := h.reply(q, addrOf(w.LocalAddr()))
	if a == nil {
		return
	}
	limit := dns.MaxMsgSize
	if _, udp := w.RemoteAddr().(*net.UDPAddr); udp {
		limit = udpLimit(q)
	}
	a.Compress = true
	a.Truncate(limit)
	w.WriteMsg(a) // an error is the client's to notice
}

// reply asks the Answerer and does what all answers have in common.
func (h dnsHandler) reply(q *dns.Msg, self netip.Addr) *dns.Msg {
	opt := q.IsEdns0()
	var a *dns.Msg
	switch {
	case q.Opcode != dns.OpcodeQuery:
		a = new(dns.Msg).SetRcode(q, dns.RcodeNotImplemented)
	case opt != nil && opt.Version() != 0:
		a = new(dns.Msg).SetReply(q)
	default:
		a = h.a.Answer(h.ctx, q, self)
	}
	if a == nil {
		return nil
	}
	a.Id = q.Id
	if opt != nil && a.IsEdns0() == nil {
		a.SetEdns0(ednsSize, opt.Do())
	}
	if opt != nil && opt.Version() != 0 {
		a.Rcode = dns.RcodeBadVers // its upper bits need the OPT record (RFC 6891, 6.1.3)
	}
	return a
}

// udpLimit is how long an answer over UDP may be: what the query allows, 512 without EDNS0, and never above ours.
func udpLimit(q *dns.Msg) int {
	if opt := q.IsEdns0(); opt != nil {
		return min(max(int(opt.UDPSize()), dns.MinMsgSize), ednsSize)
	}
	return dns.MinMsgSize
}

func addrOf(a net.Addr) netip.Addr {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}
