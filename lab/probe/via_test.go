package probe

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"dpilab/lab"
	"dpilab/lab/service"
)

// subscriber builds the usual lab, without a box.
func subscriber(t *testing.T) From {
	t.Helper()
	if err := lab.Missing(); err != nil {
		t.Skip(err)
	}
	topology, err := lab.OpenTopology("subscriber")
	require.NoError(t, err)
	l, err := lab.Build(t.Context(), topology, lab.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	services, err := l.Serve(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, services.Close()) })
	return From{Host: l.Host("client")}
}

func ok(t *testing.T, p Probe, from From) Outcome {
	t.Helper()
	o := p.Try(t.Context(), from)
	require.Equal(t, OK, o.Kind, o.Story())
	return o
}

func TestProbesOfAnOpenNet(t *testing.T) {
	from := subscriber(t)
	for _, p := range []Probe{HTTPS("x.com"), HTTP("example.org"), HTTP3("example.org"), Download("example.org", 100<<10), Chat("g.whatsapp.net", lab.PortChat)} {
		o := p.Try(t.Context(), from)
		require.Contains(t, []Kind{OK, Throttled}, o.Kind, o.Story()) // what is so short is not fast
		require.Positive(t, o.Handshake, p.Type)
		require.Greater(t, o.FirstByte, o.Handshake, p.Type)
		require.GreaterOrEqual(t, o.After, time.Duration(0), p.Type)
	}
	short := Call("call.whatsapp.net")
	short.For = 200 * time.Millisecond
	for _, p := range []Probe{short, Ping("neutral"), Traceroute("neutral"), DNS("x.com"), Connect("neutral", 443), Exec("true")} {
		ok(t, p, from)
	}
	require.Equal(t, Refused, Connect("neutral", 81).Try(t.Context(), from).Kind)
	gone := HTTPS("nowhere.example").Try(t.Context(), from)
	require.Equal(t, NXDomain, gone.Kind)
	require.Contains(t, gone.Story(), "for nowhere.example\n")
	require.Contains(t, gone.Story(), "  nxdomain\n")
	require.Equal(t, Skipped, Exec("no-such-program").Try(t.Context(), from).Kind)
}

// A rate is measured when it is quiet, and what was waited for that is no time to the first byte.
func TestQuiet(t *testing.T) {
	from := subscriber(t)
	const pause = 2 * time.Second
	from.Quiet = func(context.Context) error { time.Sleep(pause); return nil }
	o := Download("example.org", 100<<10).Try(t.Context(), from)
	require.Greater(t, o.Steps[len(o.Steps)-1].After, pause)
	require.Less(t, o.FirstByte, pause)
	require.InDelta(t, 50e6, o.Transfer.Line, 1)
}

func TestThroughAProxyThatResolves(t *testing.T) {
	from := subscriber(t)
	var sockets []Socket
	from.OnSocket = func(s Socket) { sockets = append(sockets, s) }
	server := from.Host.Lab().Host("neutral")
	tunnel := &service.TunnelDialer{
		Server: netip.AddrPortFrom(server.Addr4(), lab.PortTunnel).String(), SNI: "example.org",
		Roots: from.Host.Lab().Services().CA.Pool(), Dial: from.Host.DialContext,
	}
	var asked atomic.Pointer[string]
	through := from.Through(Via{Resolves: true, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		asked.Store(&address)
		return tunnel.DialContext(ctx, network, address)
	}})
	for _, p := range []Probe{HTTPS("x.com"), Download("x.com", 50<<10), Chat("x.com", 443)} {
		o := p.Try(t.Context(), through)
		require.Equal(t, "x.com:443", *asked.Load())
		if p.Type != TypeChat { // that site has none
			require.Contains(t, []Kind{OK, Throttled}, o.Kind, o.Story())
		}
	}
	require.Empty(t, sockets, "the proxy's sockets are not the probe's, and no resolver was asked")
	for _, p := range []Probe{Ping("neutral"), HTTP3("x.com"), DNS("x.com"), Exec("true"), Call("call.whatsapp.net")} {
		require.Equal(t, Skipped, p.Try(t.Context(), through).Kind, p.Type)
	}

	// One that does not resolve gets an address.
	through.Via.Resolves = false
	ok(t, HTTPS("x.com"), through)
	require.Equal(t, netip.AddrPortFrom(from.Host.Lab().Host("x").Addr4(), 443).String(), *asked.Load())
	require.Len(t, sockets, 1)
	require.EqualValues(t, unix.IPPROTO_UDP, sockets[0].Transport)
}

// A dial that fails says how by the number in its chain.
func TestThroughAProxyThatFails(t *testing.T) {
	from := subscriber(t)
	for errno, want := range map[error]Kind{unix.ECONNREFUSED: Refused, unix.EHOSTUNREACH: Unreachable, context.DeadlineExceeded: Timeout, unix.EMFILE: Failed} {
		o := HTTPS("x.com").Try(t.Context(), from.Through(Via{Resolves: true, Dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "socks connect", Err: errno}
		}}))
		require.Equal(t, want, o.Kind)
	}
}

type lateTLS struct{ net.Conn }

func TestOtherTLS(t *testing.T) {
	from := subscriber(t)
	for name, wrap := range map[string]func(*tls.Conn) net.Conn{
		"as it is":        func(c *tls.Conn) net.Conn { return c },
		"a plain Conn":    func(c *tls.Conn) net.Conn { return &lateTLS{c} },
		"one that agrees": func(c *tls.Conn) net.Conn { return &agreed{c} },
	} {
		t.Run(name, func(t *testing.T) {
			var hellos atomic.Int32
			o := ok(t, HTTPS("x.com"), from.Through(Via{TLS: func(c net.Conn, config *tls.Config) (net.Conn, error) {
				hellos.Add(1)
				if name == "a plain Conn" {
					config.NextProtos = nil // nobody could ask it what was agreed on
				}
				return wrap(tls.Client(c, config)), nil
			}}))
			require.EqualValues(t, 1, hellos.Load())
			require.Positive(t, o.Handshake)
		})
	}
}

type agreed struct{ *tls.Conn }

func (a *agreed) NegotiatedProtocol() string { return a.ConnectionState().NegotiatedProtocol }

func TestOtherSocketsAndResolvers(t *testing.T) {
	from := subscriber(t)
	var opened atomic.Int32
	via := Via{
		ListenPacket: func(ctx context.Context, to net.Addr) (net.PacketConn, error) {
			opened.Add(1)
			return from.Host.ListenPacket(ctx, "udp4", ":0")
		},
		Resolver: netip.AddrPortFrom(from.Host.Lab().Host("resolver").Addr4(), lab.PortDNS).String(),
	}
	through := from.Through(via)
	ok(t, HTTP3("example.org"), through)
	require.EqualValues(t, 1, opened.Load())
	p := Call("call.whatsapp.net")
	p.For = 200 * time.Millisecond
	ok(t, p, through)
	require.EqualValues(t, 2, opened.Load())
	o := ok(t, DNS("x.com"), through)
	require.EqualValues(t, 3, opened.Load())
	require.Contains(t, o.Story(), via.Resolver)
	through.Via.Resolves = true
	ok(t, HTTP3("example.org"), through)
	require.EqualValues(t, 5, opened.Load(), "a way whose far end resolves carries the question, too")
	through.Via.Resolver = "resolver"
	require.Equal(t, Failed, DNS("x.com").Try(t.Context(), through).Kind)
}
