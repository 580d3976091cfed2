package scenarios

import (
	"context"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"dpilab/lab"
	"dpilab/lab/service"
)

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

// throughTunnel asks the tunnel for the target by its name: the far end resolves it, and goes there by IPv4 first.
func (a *attempt) throughTunnel(ctx context.Context, port uint16) (*watched, *Outcome) {
	server := a.lab.Host(a.scenario.tunnel())
	to, bad := a.own(server)
	if bad != nil {
		return nil, bad
	}
	outer, bad := a.open(ctx, netip.AddrPortFrom(to, lab.PortTunnel))
	if bad != nil {
		return nil, bad
	}
	outer.step(StageTunnel)
	sni := server.Name
	if len(server.Names) > 0 {
		sni = server.Names[0]
	}
	d := service.TunnelDialer{
		Server: netip.AddrPortFrom(to, lab.PortTunnel).String(), SNI: sni, Roots: a.services.CA.Pool(),
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
