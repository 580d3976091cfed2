package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"

	"dpilab/lab/service"
)

// The ports of the services, for those who serve and those who ask. PortProxy is a cautious operator's: WhatsApp's own proxy listens on
// PortChat, as it does here too.
const (
	PortDNS       = 53
	PortHTTP      = 80
	PortHTTPS     = 443
	PortChat      = 5222
	PortSTUN      = 3478
	PortTunnel    = 8443
	PortProxy     = 8222
	PortWireGuard = 51820
	chatName      = "g.whatsapp.net"
)

// Services are the servers of a running lab. Its methods may be called from any goroutine.
type Services struct {
	CA     *service.CA // made for this lab, and trusted by nobody else
	CAFile string      // its certificate as PEM, while the lab is open
	Chat   *service.ChatKeys

	lab     *Lab
	ctx     context.Context
	zone    service.Zone
	nsdi    []*service.Resolver
	servers []*service.Server
}

// Serve starts everything that the topology's hosts serve, on every address of theirs. When it fails or ctx ends, nothing
// serves.
func (l *Lab) Serve(ctx context.Context) (*Services, error) {
	ca, err := service.NewCA()
	if err != nil {
		return nil, err
	}
	chat, err := service.NewChatKeys()
	if err != nil {
		return nil, err
	}
	s := &Services{CA: ca, CAFile: filepath.Join(l.dir, "ca.pem"), Chat: chat, lab: l, ctx: ctx, zone: service.Zone{}}
	if err := ca.WriteFile(s.CAFile); err != nil {
		return nil, err
	}
	for _, h := range l.Hosts() {
		for _, name := range h.Names {
			s.zone[name] = h.Addrs()
		}
	}
	for _, spec := range l.Topology.Hosts {
		if err := s.serveHost(l.Host(spec.Name), spec.Serves); err != nil {
			return nil, errors.Join(fmt.Errorf("host %s: %w", spec.Name, err), s.Close())
		}
	}
	l.services.Store(s)
	return s, nil
}

// Services gives what Serve started last, nil when nothing serves.
func (l *Lab) Services() *Services { return l.services.Load() }

// Remove takes names, and all under them, out of the national resolvers' answers (B29a).
func (s *Services) Remove(names ...string) {
	for _, r := range s.nsdi {
		r.Remove(names...)
	}
}

// Restore undoes every Remove.
func (s *Services) Restore() {
	for _, r := range s.nsdi {
		r.Restore()
	}
}

// Close ends all servers and waits for them. It may be called more than once.
func (s *Services) Close() error {
	s.lab.services.CompareAndSwap(s, nil)
	var errs []error
	for _, x := range s.servers {
		errs = append(errs, x.Close())
	}
	return errors.Join(errs...)
}

func (s *Services) serveHost(h *Host, serves []Serve) error {
	has := map[string]bool{}
	for _, x := range serves {
		has[x.Service] = true
		if x.Service == "dns" {
			if err := s.serveDNS(h, x); err != nil {
				return err
			}
		}
	}
	web := service.WebOptions{}
	if has["http3"] {
		web.H3Port = PortHTTPS
	}
	if has["whatsapp"] {
		web.Chat = s.Chat
	}
	forward := func(l net.Listener) (*service.Server, error) {
		return service.Forward(s.ctx, l, func(ctx context.Context) (net.Conn, error) {
			return h.Dialer().DialContext(ctx, "tcp", net.JoinHostPort(chatName, strconv.Itoa(PortChat)))
		}), nil
	}
	for _, a := range h.Addrs() {
		at := func(port uint16) netip.AddrPort { return netip.AddrPortFrom(a, port) }
		if err := errors.Join(
			s.front(h, at(PortHTTPS), has["https"], has["whatsapp"], func(l net.Listener) (*service.Server, error) {
				return service.ServeHTTPS(s.ctx, l, s.CA, web), nil
			}),
			s.front(h, at(PortHTTP), has["http"], has["whatsapp"], func(l net.Listener) (*service.Server, error) {
				return service.ServeHTTP(s.ctx, l, web), nil
			}),
			s.front(h, at(PortChat), false, has["whatsapp"], nil),
			s.listen(has["tunnel"], h, at(PortTunnel), func(l net.Listener) (*service.Server, error) {
				return service.ServeTunnel(s.ctx, l, s.CA, h.Dialer().DialContext, web), nil
			}),
			s.listen(has["whatsapp-proxy"], h, at(PortProxy), forward),
			s.listen(has["whatsapp-proxy"], h, at(PortChat), forward),
			s.listenPacket(has["http3"], h, at(PortHTTPS), func(pc net.PacketConn) (*service.Server, error) {
				return service.ServeHTTP3(s.ctx, pc, s.CA, web)
			}),
			s.listenPacket(has["stun"] || has["media"], h, at(PortSTUN), func(pc net.PacketConn) (*service.Server, error) {
				return service.Relay(s.ctx, pc), nil
			}),
			s.listenPacket(has["wireguard"], h, at(PortWireGuard), func(pc net.PacketConn) (*service.Server, error) {
				return service.RespondWireGuard(s.ctx, pc), nil
			}),
		); err != nil {
			return err
		}
	}
	return nil
}

type serveFunc = func(net.Listener) (*service.Server, error)

// front serves a site, a chat, or both on one port, told apart by the first byte.
func (s *Services) front(h *Host, at netip.AddrPort, site, chat bool, serve serveFunc) error {
	serveChat := func(l net.Listener) (*service.Server, error) { return service.ServeChat(s.ctx, l, s.Chat) }
	switch {
	case site && chat:
		return s.listen(true, h, at, func(l net.Listener) (*service.Server, error) {
			web, wa := service.NewInlet(l.Addr()), service.NewInlet(l.Addr())
			if err := errors.Join(s.run(serve, web), s.run(serveChat, wa)); err != nil {
				return nil, err
			}
			return service.Split(s.ctx, l, func(first byte) *service.Inlet {
				if first == 'W' || first == 'E' {
					return wa
				}
				return web
			}), nil
		})
	case site:
		return s.listen(true, h, at, serve)
	}
	return s.listen(chat, h, at, serveChat)
}

// run keeps a server to be closed, or says why there is none.
func (s *Services) run(serve serveFunc, l net.Listener) error {
	server, err := serve(l)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	s.servers = append(s.servers, server)
	return nil
}

func (s *Services) serveDNS(h *Host, x Serve) error {
	var a service.Answerer
	switch x.Variant {
	case "forward":
		upstream := s.lab.Host(x.To).Addr4()
		a = &service.Forwarder{Upstream: netip.AddrPortFrom(upstream, PortDNS).String(), Dial: h.DialContext}
	default:
		r := service.NewResolver(s.zone)
		if x.Variant == "nsdi" {
			s.nsdi = append(s.nsdi, r)
		}
		a = r
	}
	for _, addr := range h.Addrs() {
		at := netip.AddrPortFrom(addr, PortDNS).String()
		l, err := h.Listen(s.ctx, "tcp", at)
		if err != nil {
			return err
		}
		pc, err := h.ListenPacket(s.ctx, "udp", at)
		if err != nil {
			return errors.Join(err, l.Close())
		}
		server, err := service.ServeDNS(s.ctx, pc, l, a)
		if err != nil {
			return err
		}
		s.servers = append(s.servers, server)
	}
	return nil
}

func (s *Services) listen(wanted bool, h *Host, at netip.AddrPort, serve serveFunc) error {
	if !wanted {
		return nil
	}
	l, err := h.Listen(s.ctx, "tcp", at.String())
	if err != nil {
		return err
	}
	if err := setCongestion(l); err != nil {
		return errors.Join(err, l.Close())
	}
	return s.run(serve, l)
}

func (s *Services) listenPacket(wanted bool, h *Host, at netip.AddrPort, serve func(net.PacketConn) (*service.Server, error)) error {
	if !wanted {
		return nil
	}
	pc, err := h.ListenPacket(s.ctx, "udp", at.String())
	if err != nil {
		return err
	}
	server, err := serve(pc)
	if err == nil {
		s.servers = append(s.servers, server)
	}
	return err
}
