package lab

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// port is one end of a veth pair.
type port struct {
	space *namespace
	name  string
	mac   net.HardwareAddr // nil: the kernel's choice
}

// segment is a veth pair: a whole link, or a part of one.
type segment struct {
	link  string
	index int // of the interface at a
	a, b  port
	mtu   int // 0: the kernel's choice
}

// firstIndex is where the interface indexes of the first ends begin, far from those that the kernel gives the second ends. If the
// two ends had the same index, the kernel would take them for a device with no peer and could let a second pass before
// it notices that the link is up.
const firstIndex = 1000

// create makes the pair, both ends in their namespaces, still down.
func (s *segment) create() error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.Index, attrs.HardwareAddr, attrs.MTU = s.a.name, s.index, s.a.mac, s.mtu
	veth := &netlink.Veth{
		LinkAttrs: attrs,
		PeerName:  s.b.name, PeerHardwareAddr: s.b.mac, PeerNamespace: netlink.NsFd(s.b.space.fd()),
	}
	return s.a.space.withNetlink(func(h *netlink.Handle) error {
		if err := h.LinkAdd(veth); err != nil {
			return fmt.Errorf("link %s: make a veth pair from %s to %s: %w", s.link, s.a.space.name, s.b.space.name, err)
		}
		return nil
	})
}

// withNetlink runs f with a netlink socket of the namespace.
func (n *namespace) withNetlink(f func(*netlink.Handle) error) error {
	var h *netlink.Handle
	err := n.do(func() (err error) {
		h, err = netlink.NewHandle(unix.NETLINK_ROUTE)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: open netlink: %w", n.name, err)
	}
	defer h.Close()
	return f(h)
}

// macOf makes a hardware address that shows whose it is: 02:00 and the IPv4 address, or 02:06 and the end of the IPv6 one.
func macOf(e EndSpec) net.HardwareAddr {
	if a := e.addr(true); a.IsValid() {
		return append(net.HardwareAddr{2, 0}, a.AsSlice()...)
	}
	return append(net.HardwareAddr{2, 6}, e.addr(false).AsSlice()[12:]...)
}

// configure gives an end of a link its rate, its addresses and the hardware address of its peer, and brings it up.
//
// Neighbours are static: the first packet of a flow meets no ARP or neighbour discovery, so it is not slower than the
// others and a box that fails closed does not hide the neighbour.
func (h *Host) configure(spec LinkSpec, end, peer EndSpec) error {
	err := h.space.withNetlink(func(nl *netlink.Handle) error {
		link, err := nl.LinkByName(spec.Name)
		if err != nil {
			return err
		}
		parent := uint32(netlink.HANDLE_ROOT)
		if spec.Delay > 0 && h.lab.netem {
			if err := nl.QdiscReplace(delayer(link.Attrs().Index, spec.Delay)); err != nil {
				return fmt.Errorf("set the delay: %w", asFeature(err, "netem (CONFIG_NET_SCH_NETEM)"))
			}
			parent = netlink.MakeHandle(delayerHandle, 1)
		}
		if spec.Rate > 0 {
			if err := nl.QdiscReplace(shaper(link.Attrs().Index, parent, spec.Rate)); err != nil {
				return fmt.Errorf("set the rate: %w", asFeature(err, "TBF (CONFIG_NET_SCH_TBF)"))
			}
		}
		for _, p := range end.Addrs {
			addr := &netlink.Addr{IPNet: ipNet(p), Flags: unix.IFA_F_NODAD | unix.IFA_F_PERMANENT}
			if err := nl.AddrAdd(link, addr); err != nil {
				return fmt.Errorf("add address %s: %w", p, err)
			}
		}
		if err := nl.LinkSetUp(link); err != nil {
			return fmt.Errorf("bring up: %w", err)
		}
		for _, p := range peer.Addrs {
			err := nl.NeighSet(&netlink.Neigh{
				LinkIndex: link.Attrs().Index, State: netlink.NUD_PERMANENT,
				IP: p.Addr().AsSlice(), HardwareAddr: macOf(peer),
			})
			if err != nil {
				return fmt.Errorf("set neighbour %s: %w", p.Addr(), err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: link %s: %w", h.Name, spec.Name, err)
	}
	return nil
}

// settle waits until the host takes what comes to its own IPv6 addresses. The kernel makes their local routes later than the addresses,
// on a worker of its own, and until then drops what comes there, or sends it back.
func (h *Host) settle() error {
	return h.space.withNetlink(func(nl *netlink.Handle) error {
		for deadline := time.Now().Add(settleTime); ; time.Sleep(time.Millisecond) {
			routes, err := nl.RouteListFiltered(unix.AF_INET6, &netlink.Route{Table: unix.RT_TABLE_LOCAL}, netlink.RT_FILTER_TABLE)
			if err != nil {
				return fmt.Errorf("%s: list local routes: %w", h.Name, err)
			}
			late := slices.IndexFunc(h.addrs, func(a netip.Addr) bool { return a.Is6() && !leadsHome(routes, a) })
			if late < 0 {
				return nil
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("%s: the kernel makes no local route to %s", h.Name, h.addrs[late])
			}
		}
	})
}

func leadsHome(routes []netlink.Route, a netip.Addr) bool {
	return slices.ContainsFunc(routes, func(r netlink.Route) bool {
		return r.Type == unix.RTN_LOCAL && r.Dst != nil && r.Dst.IP.Equal(a.AsSlice())
	})
}

func (h *Host) addRoutes(routes []route) error {
	return h.space.withNetlink(func(nl *netlink.Handle) error {
		for _, r := range routes {
			if err := nl.RouteAdd(&netlink.Route{Dst: ipNet(r.to), Gw: r.via.AsSlice()}); err != nil {
				return fmt.Errorf("%s: add route to %s via %s: %w", h.Name, r.to, r.via, err)
			}
		}
		return nil
	})
}
