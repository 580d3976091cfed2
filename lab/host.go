package lab

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
)

// Host is a host or a router of a running lab, in a network namespace of its own. Its methods may be called from any
// goroutine until the lab is closed; sockets that it made work until they are closed, even after that.
type Host struct {
	Name  string
	Names []string // domain names that lead to it

	lab      *Lab
	space    *namespace
	router   bool
	addrs    []netip.Addr
	resolver []netip.Addr
}

// Do runs f with the thread in the host's namespace, on a goroutine of its own: what f opens belongs to the host. Goroutines
// that f starts are not in the namespace.
func (h *Host) Do(f func() error) error { return h.space.do(f) }

// NetNS is a descriptor of the host's network namespace, valid until the lab is closed.
func (h *Host) NetNS() int { return h.space.fd() }

// Lab is the lab that the host is in.
func (h *Host) Lab() *Lab { return h.lab }

// Line is what the host's line carries, in bits a second: the rate of its first link that has one. 0: no link has.
func (h *Host) Line() int64 {
	for _, l := range h.lab.Topology.Links {
		if _, ok := l.other(h.Name); ok && l.Rate > 0 {
			return l.Rate
		}
	}
	return 0
}

// Addrs gives the host's addresses, those of its first link first, IPv4 before IPv6 of each.
func (h *Host) Addrs() []netip.Addr { return slices.Clone(h.addrs) }

// Addr4 gives the first IPv4 address, the zero Addr when there is none.
func (h *Host) Addr4() netip.Addr { return firstAddr(h.addrs, true) }

// Addr6 gives the first IPv6 address, the zero Addr when there is none.
func (h *Host) Addr6() netip.Addr { return firstAddr(h.addrs, false) }

// ResolverAddrs gives the addresses of the resolver that the host asks: none when it has no resolver.
func (h *Host) ResolverAddrs() []netip.Addr { return slices.Clone(h.resolver) }

func firstAddr(addrs []netip.Addr, v4 bool) netip.Addr {
	for _, a := range addrs {
		if a.Is4() == v4 {
			return a
		}
	}
	return netip.Addr{}
}

// addrsOf gives the addresses of a node in the order of the links.
func (t *Topology) addrsOf(node string) []netip.Addr {
	var all []netip.Addr
	for _, l := range t.Links {
		if _, ok := l.other(node); !ok {
			continue
		}
		for _, v4 := range []bool{true, false} {
			if a := l.end(node).addr(v4); a.IsValid() {
				all = append(all, a)
			}
		}
	}
	return all
}

// DialContext connects to addr, an IP address and a port, from inside the host. network is tcp or udp, or one of them with
// 4 or 6. A connection that is being opened holds a thread.
func (h *Host) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	if _, err := netip.ParseAddrPort(addr); err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: fmt.Errorf("%q is no IP address and port; resolve the name first (Host.Resolver)", addr)}
	}
	var c net.Conn
	err := h.Do(func() (err error) {
		c, err = (&net.Dialer{}).DialContext(ctx, network, addr)
		return err
	})
	return c, err
}

// Listen listens for TCP on addr inside the host: an IP address and a port, or ":port" for every address.
func (h *Host) Listen(ctx context.Context, network, addr string) (net.Listener, error) {
	var l net.Listener
	err := h.Do(func() (err error) {
		c := net.ListenConfig{}
		c.SetMultipathTCP(false) // plain TCP on the wire, as everywhere else in the lab
		l, err = c.Listen(ctx, network, addr)
		return err
	})
	return l, err
}

// ListenPacket opens a UDP socket inside the host.
func (h *Host) ListenPacket(ctx context.Context, network, addr string) (net.PacketConn, error) {
	var p net.PacketConn
	err := h.Do(func() (err error) {
		p, err = (&net.ListenConfig{}).ListenPacket(ctx, network, addr)
		return err
	})
	return p, err
}

// Resolver asks the host's resolver from inside the host, IPv4 first. It reads no file of the machine. Each call gives a new
// one; without a resolver every question fails.
func (h *Host) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, server string) (net.Conn, error) {
		// The process's resolv.conf, which Enter wrote, names two servers: they stand for the two families.
		v4 := strings.HasPrefix(server, noResolver4)
		a := firstAddr(h.resolver, v4)
		if !a.IsValid() {
			a = firstAddr(h.resolver, !v4)
		}
		if !a.IsValid() {
			return nil, fmt.Errorf("%s has no resolver", h.Name)
		}
		return h.DialContext(ctx, network, netip.AddrPortFrom(a, PortDNS).String())
	}}
}

func (h *Host) etcDir() string { return filepath.Join(h.lab.dir, h.Name) }

// writeEtc writes what programs on the host find in /etc.
func (h *Host) writeEtc() error {
	var resolv strings.Builder
	for _, a := range h.resolver {
		fmt.Fprintf(&resolv, "nameserver %s\n", a)
	}
	if len(h.resolver) == 0 {
		resolv.WriteString("nameserver 127.0.0.1\n") // without a line, programs would assume this one
	}
	e := etcFiles{resolv: resolv.String(), hosts: localhost}
	for _, a := range h.addrs {
		e.hosts += a.String() + " " + h.Name + "\n"
	}
	if err := e.write(h.etcDir()); err != nil {
		return fmt.Errorf("%s: %w", h.Name, err)
	}
	return nil
}
