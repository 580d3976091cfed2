package trace

import (
	"fmt"
	"net/netip"

	"dpilab/rules"
)

// change goes to a flow, which is a new one unless its name is known.
func (r *runner) change(c flowChange) error {
	f := r.flows[c.name]
	if c.name == "" || c.again && f == nil {
		f = nil
		if c.again {
			if f = r.flow; c.name != "" {
				return fmt.Errorf("found flow again %s, expected a flow of that name before it", c.name)
			}
		}
	}
	switch {
	case f == nil:
		f = &flow{}
		if err := r.open(f, c); err != nil {
			return err
		}
	case c.again:
		r.restart(f)
	}
	if c.name != "" {
		r.flows[c.name] = f
	}
	r.flow = f
	return nil
}

// open gives a flow its ends.
func (r *runner) open(f *flow, c flowChange) error {
	client := r.trace.client
	if c.client.Addr().IsValid() {
		client = netip.AddrPortFrom(c.client.Addr(), c.client.Port())
	} else if c.client.Port() != 0 {
		client = netip.AddrPortFrom(client.Addr(), c.client.Port())
	}
	spec := r.trace.server
	if c.server != nil {
		port := spec.port
		if c.server.addr.IsValid() || c.server.list != "" {
			spec = *c.server
		}
		if spec.port = c.server.port; spec.port == 0 {
			spec.port = port
		}
	}
	server, err := r.serverAddr(spec)
	if err != nil {
		return err
	}
	r.count++
	if client.Port() == 0 || c.client.Port() == 0 && r.count > 1 {
		client = netip.AddrPortFrom(client.Addr(), max(r.trace.client.Port(), 40000)+uint16(r.count-1))
	}
	if !client.Addr().IsValid() {
		client = netip.AddrPortFrom(r.defaultAddr("198.51.100.2", "2001:db8:1::2", server.Addr()), client.Port())
	}
	if client.Addr().Is4() != server.Addr().Is4() {
		return fmt.Errorf("the client has %s and the server %s, expected one family", client.Addr(), server.Addr())
	}
	*f = flow{index: r.count, ends: [2]netip.AddrPort{client, server}, transport: c.transport}
	r.restart(f)
	return nil
}

func (r *runner) defaultAddr(v4, v6 string, like netip.Addr) netip.Addr {
	if like.IsValid() && like.Is6() || !like.IsValid() && r.trace.ipv6 {
		return netip.MustParseAddr(v6)
	}
	return netip.MustParseAddr(v4)
}

// serverAddr finds the address that a server's name stands for.
func (r *runner) serverAddr(s serverSpec) (netip.AddrPort, error) {
	port := s.port
	if port == 0 {
		port = 443
	}
	if s.list == "" {
		if !s.addr.IsValid() {
			s.addr = r.defaultAddr("192.0.2.80", "2001:db8:2::2", netip.Addr{})
		}
		return netip.AddrPortFrom(s.addr, port), nil
	}
	prefixes := r.prefixes(s.list)
	if prefixes == nil {
		return netip.AddrPort{}, s.fail(r.trace.File, "found server %q, expected an address, a list of prefixes of the policy, or an organisation of the table of addresses", s.list)
	}
	for _, prefix := range prefixes {
		if prefix.Addr().Is6() != r.trace.ipv6 {
			continue
		}
		a := prefix.Addr()
		for range s.more {
			a = a.Next()
		}
		if !prefix.IsSingleIP() {
			a = a.Next()
		}
		return netip.AddrPortFrom(a, port), nil
	}
	return netip.AddrPort{}, s.fail(r.trace.File, "found list %q without a prefix of the trace's address family", s.list)
}

// prefixes gives those of a list of the path's policies, or of an organisation.
func (r *runner) prefixes(name string) []netip.Prefix {
	for _, w := range r.trace.way {
		if p := r.trace.boxes[w.box].policy; p != nil && p.List(name) != nil && len(p.List(name).Prefixes) > 0 {
			return p.List(name).Prefixes
		}
	}
	return rules.StandIns().Prefixes(name)
}

// restart is a new connection.
func (r *runner) restart(f *flow) {
	opened := f.opened + 1
	random := r.builder.source(&flow{index: f.index, opened: opened}, "flow", 0)
	transport := f.transport
	*f = flow{index: f.index, opened: opened, ends: f.ends, transport: transport, dns: uint16(random.Uint32())}
	for i := range f.side {
		f.side[i].first = random.Uint32()
		f.side[i].next = f.side[i].first
	}
}
