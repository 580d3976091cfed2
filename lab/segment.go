package lab

import (
	"errors"
	"fmt"
	"net"
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
}

// firstIndex is where the interface indexes of the first ends begin, far from those that the kernel gives the second ends. If the
// two ends had the same index, the kernel would take them for a device with no peer and could let a second pass before
// it notices that the link is up.
const firstIndex = 1000

// create makes the pair, both ends in their namespaces, still down.
func (s *segment) create() error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.Index, attrs.HardwareAddr = s.a.name, s.index, s.a.mac
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
		if spec.Rate > 0 {
			if err := nl.QdiscReplace(shaper(link.Attrs().Index, spec.Rate)); err != nil {
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

// The bucket holds what the rate lets through in burstTime, and the queue what it lets through in queueTime, as a subscriber's
// line with a modest buffer; both have a floor, so that slow lines still take a few packets.
const (
	burstTime = 4 * time.Millisecond
	queueTime = 100 * time.Millisecond
	burstMin  = 4 * 1514
	queueMin  = 32 * 1514
)

// shaper is a token bucket for everything that leaves an interface: burst and queue in bytes of frames.
func shaper(index int, rate int64) *netlink.Tbf {
	perSecond := max(uint64(rate/8), 1)
	part := func(d time.Duration) uint32 { return uint32(perSecond * uint64(d) / uint64(time.Second)) }
	burst := max(part(burstTime), burstMin)
	return &netlink.Tbf{
		QdiscAttrs: netlink.QdiscAttrs{LinkIndex: index, Handle: netlink.MakeHandle(1, 0), Parent: netlink.HANDLE_ROOT},
		Rate:       perSecond,
		Buffer:     netlink.Xmittime(perSecond, burst),
		Limit:      burst + max(part(queueTime), queueMin),
	}
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

// joinPorts makes a bridge of the two ports of a bridge namespace. It has no address, learns, and filters no multicast.
func (n *namespace) joinPorts() error {
	err := n.withNetlink(func(nl *netlink.Handle) error {
		snooping := false
		attrs := netlink.NewLinkAttrs()
		attrs.Name = bridgeName
		bridge := &netlink.Bridge{LinkAttrs: attrs, MulticastSnooping: &snooping}
		if err := nl.LinkAdd(bridge); err != nil {
			return fmt.Errorf("make a bridge: %w", asFeature(err, "bridges (CONFIG_BRIDGE)"))
		}
		links, err := nl.LinkList()
		if err != nil {
			return err
		}
		for _, l := range links {
			if l.Type() != "veth" {
				continue
			}
			if err := nl.LinkSetMaster(l, bridge); err != nil {
				return fmt.Errorf("put %s on the bridge: %w", l.Attrs().Name, err)
			}
			if err := nl.LinkSetUp(l); err != nil {
				return fmt.Errorf("bring up %s: %w", l.Attrs().Name, err)
			}
		}
		return nl.LinkSetUp(bridge)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", n.name, err)
	}
	return nil
}

// settleTime is how long the kernel may take to notice that both ends of the veth pairs are up; usually it is milliseconds.
const settleTime = 5 * time.Second

// settle waits until everything in the namespace is up in fact: the kernel notices asynchronously that the other end of a
// veth pair has come up, and drops packets until then.
func (n *namespace) settle() error {
	return n.withNetlink(func(nl *netlink.Handle) error {
		for deadline := time.Now().Add(settleTime); ; time.Sleep(time.Millisecond) {
			links, err := nl.LinkList()
			if err != nil {
				return fmt.Errorf("%s: %w", n.name, err)
			}
			down := slices.IndexFunc(links, func(l netlink.Link) bool {
				return l.Type() == "veth" && l.Attrs().OperState != netlink.OperUp
			})
			if down < 0 {
				break
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("%s: interface %s does not come up", n.name, links[down].Attrs().Name)
			}
		}
		if !n.bridge {
			return nil
		}
		// The kernel tells a bridge about its port in the same critical section, which this waits out.
		bridge, err := nl.LinkByName(bridgeName)
		if err != nil {
			return err
		}
		return nl.LinkSetUp(bridge)
	})
}

// asFeature names what a kernel lacks when it does not know something.
func asFeature(err error, feature string) error {
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("the kernel lacks %s: %w", feature, err)
	}
	return err
}
