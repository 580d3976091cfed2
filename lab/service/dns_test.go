package service

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
)

var (
	a1, a2 = netip.MustParseAddr("203.0.113.10"), netip.MustParseAddr("203.0.113.11")
	b1     = netip.MustParseAddr("2001:db8::10")
	world  = Zone{
		"whatsapp.com": {a1}, "web.whatsapp.com": {a1, b1}, "g.whatsapp.net": {a2}, "Whatsapp.NET.": {a2},
		"notwhatsapp.com": {a1}, "only6.example": {b1}, "a.b.deep.example": {a1},
	}
)

func startResolver(t *testing.T, a Answerer) *Server {
	for range 20 {
		pc := listenUDP(t)
		l, err := net.Listen("tcp", pc.LocalAddr().String())
		if err != nil {
			pc.Close() // another program has that TCP port
			continue
		}
		s, err := ServeDNS(t.Context(), pc, l, a)
		require.NoError(t, err)
		return running(t, s)
	}
	t.Fatal("found no port free for both UDP and TCP")
	return nil
}

// query asks over network and gives the answer.
func query(t *testing.T, s *Server, network, name string, qtype uint16) *dns.Msg {
	t.Helper()
	return ask(t, s, network, new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype))
}

func ask(t *testing.T, s *Server, network string, q *dns.Msg) *dns.Msg {
	t.Helper()
	c := dns.Client{Net: network, Timeout: 10 * time.Second}
	a, _, err := c.ExchangeContext(soon(t), q, s.Addr().String())
	require.NoError(t, err)
	return a
}

func addresses(a *dns.Msg) (addrs []string) {
	for _, rr := range a.Answer {
		switch rr := rr.(type) {
		case *dns.A:
			addrs = append(addrs, rr.A.String())
		case *dns.AAAA:
			addrs = append(addrs, rr.AAAA.String())
		}
	}
	return addrs
}

func TestResolverAnswers(t *testing.T) {
	noLeaks(t)
	s := startResolver(t, NewResolver(world))
	for _, network := range []string{"udp", "tcp"} {
		for _, c := range []struct {
			name  string
			qtype uint16
			rcode int
			addrs []string
		}{
			{"web.whatsapp.com", dns.TypeA, dns.RcodeSuccess, []string{"203.0.113.10"}},
			{"WEB.WhatsApp.com", dns.TypeAAAA, dns.RcodeSuccess, []string{"2001:db8::10"}},
			{"whatsapp.net", dns.TypeA, dns.RcodeSuccess, []string{"203.0.113.11"}},
			{"only6.example", dns.TypeA, dns.RcodeSuccess, nil},
			{"whatsapp.com", dns.TypeMX, dns.RcodeSuccess, nil},
			{"whatsapp.com", dns.TypeHTTPS, dns.RcodeSuccess, nil},
			{"deep.example", dns.TypeA, dns.RcodeSuccess, nil}, // a name with names below it exists (RFC 8020)
			{".", dns.TypeNS, dns.RcodeSuccess, nil},
			{"unknown.example", dns.TypeA, dns.RcodeNameError, nil},
			{"x.whatsapp.com", dns.TypeA, dns.RcodeNameError, nil}, // no wildcards
		} {
			a := query(t, s, network, c.name, c.qtype)
			require.Equal(t, c.rcode, a.Rcode, c.name)
			require.Equal(t, c.addrs, addresses(a), c.name)
			require.True(t, a.RecursionAvailable)
			if c.addrs == nil {
				require.Len(t, a.Ns, 1, c.name)
				owner := a.Ns[0].(*dns.SOA).Hdr.Name
				require.True(t, dns.IsSubDomain(owner, dns.Fqdn(c.name)), "%s below %s", c.name, owner)
			} else {
				require.LessOrEqual(t, a.Answer[0].Header().Ttl, uint32(60))
			}
		}
	}
}

// February 2026: whatsapp.com and web.whatsapp.com were gone, whatsapp.net stayed (B29a).
func TestRemoveTakesANameAndAllBelowIt(t *testing.T) {
	r := NewResolver(world)
	s := startResolver(t, r)
	rcode := func(name string) int { return query(t, s, "udp", name, dns.TypeA).Rcode }
	r.Remove("WhatsApp.com")
	require.Equal(t, dns.RcodeNameError, rcode("whatsapp.com"))
	require.Equal(t, dns.RcodeNameError, rcode("web.whatsapp.com"))
	require.Equal(t, dns.RcodeNameError, rcode("never.known.whatsapp.com"))
	for _, stays := range []string{"whatsapp.net", "g.whatsapp.net", "notwhatsapp.com"} {
		require.Equal(t, dns.RcodeSuccess, rcode(stays), stays)
	}
	r.Replace(world)
	require.Equal(t, dns.RcodeNameError, rcode("web.whatsapp.com"), "removal outlives a new zone")
	r.Remove("g.whatsapp.net")
	require.Equal(t, dns.RcodeSuccess, rcode("whatsapp.net"), "what is above stays")
	r.Restore("whatsapp.com.")
	require.Equal(t, dns.RcodeSuccess, rcode("web.whatsapp.com"))
	require.Equal(t, dns.RcodeNameError, rcode("g.whatsapp.net"))
	r.Remove(".")
	require.Equal(t, dns.RcodeNameError, rcode("notwhatsapp.com"))
	r.Restore()
	require.Equal(t, dns.RcodeSuccess, rcode("g.whatsapp.net"))
	r.Replace(Zone{"new.example": {a1}})
	require.Equal(t, dns.RcodeNameError, rcode("whatsapp.net"))
	require.Equal(t, dns.RcodeSuccess, rcode("new.example"))
}

func TestResolverIsSafeForConcurrentUse(t *testing.T) {
	r := NewResolver(world)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 200 {
				switch i {
				case 0:
					r.Remove("whatsapp.com")
				case 1:
					r.Restore()
				case 2:
					r.Replace(world)
				default:
					q := new(dns.Msg).SetQuestion("whatsapp.net.", dns.TypeA)
					if r.Answer(t.Context(), q, a1).Rcode != dns.RcodeSuccess {
						t.Error("whatsapp.net was never removed")
					}
				}
			}
		})
	}
	wg.Wait()
}

// B29b: whose address comes back tells which resolver answered, through a forwarder too.
func TestWhoami(t *testing.T) {
	r := NewResolver(nil)
	s := startResolver(t, r)
	require.Equal(t, []string{"127.0.0.1"}, addresses(query(t, s, "udp", "WHOAMI.akamai.net", dns.TypeA)))
	a := query(t, s, "udp", "whoami.akamai.net", dns.TypeAAAA)
	require.Equal(t, dns.RcodeSuccess, a.Rcode)
	require.Empty(t, a.Answer)
	national := NewResolver(nil)
	national.Self = a2
	up := startResolver(t, national)
	isp := startResolver(t, &Forwarder{Upstream: up.Addr().String()})
	require.Equal(t, []string{a2.String()}, addresses(query(t, isp, "udp", "whoami.akamai.net", dns.TypeA)))

	q := new(dns.Msg).SetQuestion("id.server.", dns.TypeTXT)
	q.Question[0].Qclass = dns.ClassCHAOS
	require.Equal(t, []string{"127.0.0.1"}, ask(t, s, "udp", q).Answer[0].(*dns.TXT).Txt)
	q.Question[0].Name = "version.bind."
	require.Equal(t, dns.RcodeRefused, ask(t, s, "udp", q).Rcode)
	q.Question[0].Qclass = dns.ClassHESIOD
	require.Equal(t, dns.RcodeRefused, ask(t, s, "udp", q).Rcode)
}

func TestEDNS(t *testing.T) {
	s := startResolver(t, NewResolver(world))
	q := new(dns.Msg).SetQuestion("whatsapp.com.", dns.TypeA)
	require.Nil(t, ask(t, s, "udp", q).IsEdns0())
	q.SetEdns0(4096, true)
	opt := ask(t, s, "udp", q).IsEdns0()
	require.NotNil(t, opt)
	require.True(t, opt.Do())
	require.EqualValues(t, ednsSize, opt.UDPSize())
	q.IsEdns0().SetVersion(1)
	require.Equal(t, dns.RcodeBadVers, ask(t, s, "udp", q).Rcode)
}

// crowded has an answer of some kilobytes: too much for UDP.
func crowded() Zone {
	z := Zone{}
	for i := range 200 {
		z["many.example"] = append(z["many.example"], netip.AddrFrom4([4]byte{198, 18, 0, byte(i)}))
	}
	return z
}

func TestTruncationAndTheForwardersRetryOverTCP(t *testing.T) {
	noLeaks(t)
	up := startResolver(t, NewResolver(crowded()))
	a := query(t, up, "udp", "many.example", dns.TypeA)
	require.True(t, a.Truncated)
	a.Compress = true
	require.LessOrEqual(t, a.Len(), dns.MinMsgSize)
	require.Len(t, query(t, up, "tcp", "many.example", dns.TypeA).Answer, 200)

	var mu sync.Mutex
	var networks []string
	isp := startResolver(t, &Forwarder{Upstream: "national", Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		networks = append(networks, network)
		require.Equal(t, "national", address)
		return new(net.Dialer).DialContext(ctx, network, up.Addr().String())
	}})
	require.Len(t, query(t, isp, "tcp", "many.example", dns.TypeA).Answer, 200)
	require.True(t, query(t, isp, "udp", "many.example", dns.TypeA).Truncated)
	mu.Lock()
	require.Equal(t, []string{"udp", "tcp", "udp", "tcp"}, networks)
	mu.Unlock()
	q := new(dns.Msg).SetQuestion("unknown.example.", dns.TypeA)
	q.SetEdns0(1232, true)
	a = ask(t, isp, "udp", q)
	require.Equal(t, dns.RcodeNameError, a.Rcode)
	require.True(t, a.IsEdns0().Do())
	require.Len(t, a.Ns, 1)
}

// An upstream that is silent, gone, or answered by someone else's packets.
func TestForwarderWithoutAnAnswer(t *testing.T) {
	noLeaks(t)
	silent := listenUDP(t)
	defer silent.Close()
	isp := startResolver(t, &Forwarder{Upstream: silent.LocalAddr().String(), Timeout: 100 * time.Millisecond})
	require.Equal(t, dns.RcodeServerFailure, query(t, isp, "udp", "a.example", dns.TypeA).Rcode)
	gone := listenUDP(t)
	gone.Close()
	isp = startResolver(t, &Forwarder{Upstream: gone.LocalAddr().String(), Timeout: time.Second})
	require.Equal(t, dns.RcodeServerFailure, query(t, isp, "udp", "a.example", dns.TypeA).Rcode)

	noisy := listenUDP(t)
	defer noisy.Close()
	go func() {
		buf := make([]byte, 4096)
		n, from, err := noisy.ReadFrom(buf)
		if err != nil {
			return
		}
		q := new(dns.Msg)
		q.Unpack(buf[:n])
		other := new(dns.Msg).SetReply(q)
		other.Id++
		wrong := new(dns.Msg).SetReply(q)
		wrong.Question = []dns.Question{{Name: "b.example.", Qtype: dns.TypeA, Qclass: dns.ClassINET}}
		right := new(dns.Msg).SetRcode(q, dns.RcodeRefused)
		for _, out := range [][]byte{{1, 2, 3}, must(other.Pack()), must(wrong.Pack()), must(q.Pack()), must(right.Pack())} {
			noisy.WriteTo(out, from)
		}
	}()
	isp = startResolver(t, &Forwarder{Upstream: noisy.LocalAddr().String(), Timeout: 5 * time.Second})
	require.Equal(t, dns.RcodeRefused, query(t, isp, "udp", "a.example", dns.TypeA).Rcode)
}

// Close does not wait for an upstream's timeout.
func TestCloseCutsForwardedQueries(t *testing.T) {
	noLeaks(t)
	silent := listenUDP(t)
	defer silent.Close()
	s, err := ServeDNS(t.Context(), listenUDP(t), nil, &Forwarder{Upstream: silent.LocalAddr().String(), Timeout: time.Hour})
	require.NoError(t, err)
	c, err := net.Dial("udp", s.Addr().String())
	require.NoError(t, err)
	defer c.Close()
	c.Write(must(new(dns.Msg).SetQuestion("a.example.", dns.TypeA).Pack()))
	silent.ReadFrom(make([]byte, 512)) // the query is under way
	closes(t, s)
}

func TestDNSBadInput(t *testing.T) {
	noLeaks(t)
	s := startResolver(t, NewResolver(world))
	udp, err := net.Dial("udp", s.Addr().String())
	require.NoError(t, err)
	defer udp.Close()
	two := new(dns.Msg).SetQuestion("a.example.", dns.TypeA)
	two.Question = append(two.Question, two.Question[0])
	for _, in := range [][]byte{{}, {1, 2, 3}, make([]byte, 12), must(two.Pack()), []byte(strings.Repeat("\xff", 600))} {
		udp.Write(in)
	}
	tcp := dialTCP(t, s.Addr())
	fmt.Fprint(tcp, "GET / HTTP/1.1\r\n\r\n")
	half := dialTCP(t, s.Addr())
	half.Write([]byte{0, 40, 1})
	update := new(dns.Msg).SetQuestion("whatsapp.com.", dns.TypeA)
	update.Opcode = dns.OpcodeNotify
	require.Equal(t, dns.RcodeNotImplemented, ask(t, s, "udp", update).Rcode)
	require.Equal(t, dns.RcodeSuccess, query(t, s, "udp", "whatsapp.com", dns.TypeA).Rcode)
	closes(t, s)
	ends(t, half)
	_, err = ServeDNS(t.Context(), nil, nil, nil)
	require.Error(t, err)
}

func TestDNSOverTLS(t *testing.T) {
	noLeaks(t)
	ca := newCA(t)
	s, err := ServeDNS(t.Context(), nil, tls.NewListener(listen(t), ca.TLS("dot")), NewResolver(world))
	require.NoError(t, err)
	running(t, s)
	c := dns.Client{Net: "tcp-tls", Timeout: 10 * time.Second, TLSConfig: &tls.Config{RootCAs: ca.Pool(), ServerName: "dns.google"}}
	a, _, err := c.Exchange(new(dns.Msg).SetQuestion("whatsapp.com.", dns.TypeA), s.Addr().String())
	require.NoError(t, err)
	require.Equal(t, []string{"203.0.113.10"}, addresses(a))
}
