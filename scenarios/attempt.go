package scenarios

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"dpilab/lab"
	"dpilab/lab/service"
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
	turns *turns

	mu      sync.Mutex
	sockets map[socket]bool
	remotes map[netip.Addr]bool
}

func newAttempt(p *Probe, b *bench) *attempt {
	return &attempt{Probe: p, bench: b, sockets: map[socket]bool{}, remotes: map[netip.Addr]bool{}}
}

// try runs the probe. ctx ends it early, and the outcome is then worth nothing.
func (a *attempt) try(ctx context.Context) Outcome {
	start := time.Now()
	o := a.run(ctx)
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

// dial opens a connection or a UDP socket from the client, and notes its port before the first packet.
func (a *attempt) dial(ctx context.Context, network string, to netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{ControlContext: func(_ context.Context, network, _ string, raw syscall.RawConn) error {
		return a.bind(raw, network, to.Addr())
	}}
	d.SetMultipathTCP(false)
	var c net.Conn
	err := a.client.Do(func() (err error) {
		c, err = d.DialContext(ctx, network, to.String())
		return err
	})
	return c, err
}

// bind takes a free port, so that it is known even of a connection that never opens.
func (a *attempt) bind(raw syscall.RawConn, network string, to netip.Addr) error {
	s := socket{transport: unix.IPPROTO_TCP, v6: to.Is6()}
	if network[0] == 'u' {
		s.transport = unix.IPPROTO_UDP
	}
	var err error
	controlErr := raw.Control(func(fd uintptr) {
		var any unix.Sockaddr = &unix.SockaddrInet4{}
		if s.v6 {
			any = &unix.SockaddrInet6{}
		}
		if err = unix.Bind(int(fd), any); err != nil {
			return
		}
		var name unix.Sockaddr
		if name, err = unix.Getsockname(int(fd)); err != nil {
			return
		}
		switch n := name.(type) {
		case *unix.SockaddrInet4:
			s.port = uint16(n.Port)
		case *unix.SockaddrInet6:
			s.port = uint16(n.Port)
		}
	})
	if controlErr != nil {
		return controlErr
	}
	a.note(s, to)
	return err
}

// note remembers that a socket is the probe's.
func (a *attempt) note(s socket, to netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sockets[s] = true
	a.remotes[to] = true
}

// listenPacket opens an unconnected UDP socket for the probe.
func (a *attempt) listenPacket(ctx context.Context, to netip.Addr) (net.PacketConn, error) {
	network := "udp4"
	if to.Is6() {
		network = "udp6"
	}
	pc, err := a.client.ListenPacket(ctx, network, ":0")
	if err != nil {
		return nil, err
	}
	a.note(socket{unix.IPPROTO_UDP, to.Is6(), uint16(pc.LocalAddr().(*net.UDPAddr).Port)}, to)
	return pc, nil
}

// connect opens a TCP connection and leaves it.
func (a *attempt) connect(ctx context.Context) Outcome {
	to, bad := a.address(ctx)
	if bad != nil {
		return *bad
	}
	c, bad := a.open(ctx, netip.AddrPortFrom(to, a.Port))
	if bad != nil {
		return *bad
	}
	c.Close()
	return Outcome{Kind: OK}
}

// open opens a watched TCP connection.
func (a *attempt) open(ctx context.Context, to netip.AddrPort) (*watched, *Outcome) {
	start := time.Now()
	dialCtx, cancel := context.WithTimeout(ctx, a.Timeout)
	defer cancel()
	c, err := a.dial(dialCtx, "tcp", to)
	if err != nil {
		o := refusal(err, time.Since(start))
		return nil, &o
	}
	return watch(ctx, c, a.Timeout), nil
}

// reach opens a watched connection to a port of the probe's target, through the tunnel if it says so.
func (a *attempt) reach(ctx context.Context, port uint16) (*watched, *Outcome) {
	if a.Tunnel {
		return a.throughTunnel(ctx, port)
	}
	to, bad := a.address(ctx)
	if bad != nil {
		return nil, bad
	}
	return a.open(ctx, netip.AddrPortFrom(to, port))
}

const tunnelPort = 8443

// throughTunnel asks the tunnel for the target by its name: the far end resolves it, and goes there by IPv4 first.
func (a *attempt) throughTunnel(ctx context.Context, port uint16) (*watched, *Outcome) {
	server := a.lab.Host(a.scenario.tunnel())
	to, bad := a.own(server)
	if bad != nil {
		return nil, bad
	}
	outer, bad := a.open(ctx, netip.AddrPortFrom(to, tunnelPort))
	if bad != nil {
		return nil, bad
	}
	outer.step(StageTunnel)
	sni := server.Name
	if len(server.Names) > 0 {
		sni = server.Names[0]
	}
	d := service.TunnelDialer{
		Server: netip.AddrPortFrom(to, tunnelPort).String(), SNI: sni, Roots: a.services.CA.Pool(),
		Dial: func(context.Context, string, string) (net.Conn, error) { return outer, nil },
	}
	inner, err := d.DialContext(ctx, "tcp", joinPort(a.Host, port))
	if err != nil {
		o := outer.outcome(err)
		return nil, &o
	}
	outer.rest() // from here on, the connection inside is watched
	return watch(ctx, inner, a.Timeout), nil
}
