package lab

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Dialer opens connections from a host as a net.Dialer does from the machine: names are resolved by the host's resolver, and their
// addresses are tried in turn, IPv4 first (choice: as most subscribers have it). The name of a host of the lab is its address, whatever the resolver says. Any goroutine; do not change it
// meanwhile.
type Dialer struct {
	Host    *Host
	Timeout time.Duration // for all of it, the question for the name included; 0: as long as the context and the kernel let it
}

// Dialer gives a dialer without a timeout of its own.
func (h *Host) Dialer() *Dialer { return &Dialer{Host: h} }

// Dial is DialContext without a context.
func (d *Dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

// DialContext connects to "name:port" or "address:port". network is tcp or udp, or one of them with 4 or 6. When all addresses fail,
// the error is that of the first, an *net.OpError.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if d.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.Timeout)
		defer cancel()
	}
	name, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	addrs, err := d.resolve(ctx, network, name)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	var first error
	for _, a := range addrs {
		c, err := d.Host.DialContext(ctx, network, net.JoinHostPort(a.String(), port))
		if err == nil {
			return c, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// resolve gives at least one address that the network can reach.
func (d *Dialer) resolve(ctx context.Context, network, name string) ([]netip.Addr, error) {
	family := "ip" + strings.TrimLeft(network, "tcpud")
	var addrs []netip.Addr
	if h := d.Host.lab.Host(name); h != nil {
		addrs = h.addrs
	} else {
		found, err := d.Host.Resolver().LookupNetIP(ctx, family, name)
		if err != nil {
			return nil, err
		}
		addrs = found
	}
	var fit []netip.Addr
	for _, a := range addrs {
		if a = a.Unmap(); family == "ip" || a.Is4() == (family == "ip4") {
			fit = append(fit, a)
		}
	}
	slices.SortStableFunc(fit, func(a, b netip.Addr) int { return a.BitLen() - b.BitLen() })
	if len(fit) == 0 {
		return nil, &net.AddrError{Err: fmt.Sprintf("no address for %s", network), Addr: name}
	}
	return fit, nil
}
