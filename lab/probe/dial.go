package probe

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"dpilab/lab"
	"dpilab/lab/service"
)

// dial opens a TCP connection or a UDP socket from the host, by its own way, and notes its port before the first packet.
func (a *attempt) dial(ctx context.Context, network string, to netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{ControlContext: func(_ context.Context, network, _ string, raw syscall.RawConn) error {
		return a.bind(raw, network, to.Addr())
	}}
	d.SetMultipathTCP(false)
	var c net.Conn
	err := a.From.Host.Do(func() (err error) {
		c, err = d.DialContext(ctx, network, to.String())
		return err
	})
	return c, err
}

// bind takes a free port, so that it is known even of a connection that never opens.
func (a *attempt) bind(raw syscall.RawConn, network string, to netip.Addr) error {
	s := Socket{Transport: unix.IPPROTO_TCP, To: to}
	if network[0] == 'u' {
		s.Transport = unix.IPPROTO_UDP
	}
	var err error
	controlErr := raw.Control(func(fd uintptr) {
		var any unix.Sockaddr = &unix.SockaddrInet4{}
		if to.Is6() {
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
			s.Port = uint16(n.Port)
		case *unix.SockaddrInet6:
			s.Port = uint16(n.Port)
		}
	})
	if controlErr != nil {
		return controlErr
	}
	if err == nil {
		a.note(s)
	}
	return err
}

// note tells whoever wants to know that a socket is the probe's.
func (a *attempt) note(s Socket) {
	if a.OnSocket != nil {
		a.OnSocket(s)
	}
}

// dialVia is dial by the probe's way.
func (a *attempt) dialVia(ctx context.Context, network string, to netip.AddrPort) (net.Conn, error) {
	switch {
	case network == "tcp" && a.Via.Dial != nil:
		return a.Via.Dial(ctx, network, to.String())
	case network == "udp" && a.Via.ListenPacket != nil:
		addr := net.UDPAddrFromAddrPort(to)
		pc, err := a.Via.ListenPacket(ctx, addr)
		if err != nil {
			return nil, err
		}
		return &connected{pc, addr}, nil
	}
	return a.dial(ctx, network, to)
}

// listenPacket opens an unconnected UDP socket for the probe, by the host's own way.
func (a *attempt) listenPacket(ctx context.Context, to netip.Addr) (net.PacketConn, error) {
	network := "udp4"
	if to.Is6() {
		network = "udp6"
	}
	pc, err := a.From.Host.ListenPacket(ctx, network, ":0")
	if err != nil {
		return nil, err
	}
	a.note(Socket{unix.IPPROTO_UDP, uint16(pc.LocalAddr().(*net.UDPAddr).Port), to})
	return pc, nil
}

// listenPacketVia is listenPacket by the probe's way.
func (a *attempt) listenPacketVia(ctx context.Context, to *net.UDPAddr) (net.PacketConn, error) {
	if a.Via.ListenPacket != nil {
		return a.Via.ListenPacket(ctx, to)
	}
	return a.listenPacket(ctx, to.AddrPort().Addr())
}

// connect opens a TCP connection and leaves it.
func (a *attempt) connect(ctx context.Context) Outcome {
	c, bad := a.reach(ctx, a.Port)
	if bad != nil {
		return *bad
	}
	c.Close()
	return Outcome{Kind: OK}
}

// open opens a watched TCP connection to "address:port", or to "name:port" when the way resolves.
func (a *attempt) open(ctx context.Context, to string) (*watched, *Outcome) {
	start := time.Now()
	a.dialled = start
	a.story.add("connects to %s", to)
	dialCtx, cancel := context.WithTimeout(ctx, a.Timeout)
	defer cancel()
	c, err := a.dialTCP(dialCtx, to)
	if err != nil {
		o := refusal(err, time.Since(start))
		return nil, &o
	}
	a.story.add("connected")
	return watch(ctx, c, a.Timeout), nil
}

func (a *attempt) dialTCP(ctx context.Context, to string) (net.Conn, error) {
	if a.Via.Dial != nil {
		return a.Via.Dial(ctx, "tcp", to)
	}
	at, err := netip.ParseAddrPort(to)
	if err != nil {
		return nil, err
	}
	return a.dial(ctx, "tcp", at)
}

// reach opens a watched connection to a port of the probe's target, through the tunnel if it says so.
func (a *attempt) reach(ctx context.Context, port uint16) (*watched, *Outcome) {
	if a.Tunnel {
		return a.throughTunnel(ctx, port)
	}
	if a.Via.Dial != nil && a.Via.Resolves {
		addr, known, bad := a.known()
		switch {
		case bad != nil:
			return nil, bad
		case !known:
			return a.open(ctx, joinPort(a.Probe.Host, port))
		}
		return a.open(ctx, netip.AddrPortFrom(addr, port).String())
	}
	to, bad := a.address(ctx)
	if bad != nil {
		return nil, bad
	}
	return a.open(ctx, netip.AddrPortFrom(to, port).String())
}

// throughTunnel asks the tunnel for the target by its name: the far end resolves it, and goes there by IPv4 first.
func (a *attempt) throughTunnel(ctx context.Context, port uint16) (*watched, *Outcome) {
	spec := a.lab.Topology.Serving("tunnel")
	if spec == nil {
		o := failed(fmt.Errorf("the lab %s has no host that serves a tunnel", a.lab.Topology.Name))
		return nil, &o
	}
	server := a.lab.Host(spec.Name)
	addr, bad := a.own(server)
	if bad != nil {
		return nil, bad
	}
	to := netip.AddrPortFrom(addr, lab.PortTunnel).String()
	outer, bad := a.open(ctx, to)
	if bad != nil {
		return nil, bad
	}
	outer.step(StageTunnel)
	sni := server.Name
	if len(server.Names) > 0 {
		sni = server.Names[0]
	}
	d := service.TunnelDialer{
		Server: to, SNI: sni, Roots: a.Services.CA.Pool(),
		Dial: func(context.Context, string, string) (net.Conn, error) { return outer, nil },
	}
	inner, err := d.DialContext(ctx, "tcp", joinPort(a.Probe.Host, port))
	if err != nil {
		o := outer.outcome(err)
		return nil, &o
	}
	a.story.add("the tunnel is open")
	outer.rest() // from here on, the connection inside is watched
	return watch(ctx, inner, a.Timeout), nil
}

// connected is a UDP socket of one peer.
type connected struct {
	net.PacketConn
	to *net.UDPAddr
}

// Read takes the next datagram from the peer.
func (c *connected) Read(b []byte) (int, error) {
	for {
		n, from, err := c.ReadFrom(b)
		if err != nil {
			return n, err
		}
		if u, ok := from.(*net.UDPAddr); !ok || u.AddrPort() == c.to.AddrPort() || u.IP.Equal(c.to.IP) && u.Port == c.to.Port {
			return n, nil
		}
	}
}

// Write sends a datagram to the peer.
func (c *connected) Write(b []byte) (int, error) { return c.WriteTo(b, c.to) }

// RemoteAddr is the peer's.
func (c *connected) RemoteAddr() net.Addr { return c.to }
