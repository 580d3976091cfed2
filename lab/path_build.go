package lab

import (
	"fmt"
	"net"

	"github.com/vishvananda/netlink"

	"dpilab/dpi/trace"
)

// pathMTU lets the largest IP packets through.
const pathMTU = 65535

// The hardware addresses of the ends of a path.
var pathMAC = [2]net.HardwareAddr{{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}}

const (
	clientPort = "client"
	serverPort = "server"
)

// plan says which namespaces and veth pairs there will be. Hops in a row are one relay.
func (p *Path) plan(s trace.Setup) {
	last := port{space: p.ends, name: clientPort, mac: pathMAC[trace.Client]}
	join := func(in port) {
		p.segments = append(p.segments, &segment{link: "path", index: firstIndex + len(p.segments), a: last, b: in, mtu: pathMTU})
	}
	var hops *relay // that the element before ended in
	for _, e := range s.Elements {
		switch {
		case e.Hop && hops != nil:
			hops.hops++
		case e.Hop:
			n := len(p.relays)
			hops = &relay{hops: 1, names: [2]string{fmt.Sprintf("hop%da", n), fmt.Sprintf("hop%db", n)}}
			p.relays = append(p.relays, hops)
			join(port{space: p.ends, name: hops.names[0]})
			last = port{space: p.ends, name: hops.names[1]}
		default:
			hops = nil
			n := &namespace{name: "box " + e.Name, bridge: true}
			p.spaces = append(p.spaces, n)
			p.boxes = append(p.boxes, &pathBox{name: e.Name, wire: &Wire{Box: e.Name, Link: "path", space: n}})
			join(port{space: n, name: insidePort})
			last = port{space: n, name: outsidePort}
		}
	}
	join(port{space: p.ends, name: serverPort, mac: pathMAC[trace.Server]})
}

// bareSettings are those of a namespace that says nothing of its own.
var bareSettings = settings{
	{"ipv4/ip_forward", "0", false},
	{"ipv6/conf/all/forwarding", "0", false},
	{"ipv6/conf/default/disable_ipv6", "1", false},
}

func (p *Path) makeSpaces() []func() error {
	tasks := []func() error{func() error { return p.ends.open(bareSettings.apply) }}
	for _, n := range p.spaces {
		tasks = append(tasks, func() error { return n.open(settingsOf(true, false).apply) })
	}
	return tasks
}

func (p *Path) makeSegments() []func() error {
	var tasks []func() error
	for _, s := range p.segments {
		tasks = append(tasks, s.create)
	}
	return tasks
}

// join makes bridges of the boxes' ports and brings the bare ports up.
func (p *Path) join() []func() error {
	tasks := []func() error{p.bare}
	for _, b := range p.boxes {
		tasks = append(tasks, func() error {
			if err := b.wire.space.joinPorts(); err != nil {
				return err
			}
			return b.wire.findPorts()
		})
	}
	return tasks
}

// bare brings up the ports at which the kernel is to do nothing: no ARP, no IPv6, no address.
func (p *Path) bare() error {
	return p.ends.withNetlink(func(nl *netlink.Handle) error {
		links, err := nl.LinkList()
		if err != nil {
			return err
		}
		for _, l := range links {
			if l.Type() != "veth" {
				continue
			}
			if err := nl.LinkSetARPOff(l); err != nil {
				return fmt.Errorf("path: switch ARP off on %s: %w", l.Attrs().Name, err)
			}
			if err := nl.LinkSetUp(l); err != nil {
				return fmt.Errorf("path: bring up %s: %w", l.Attrs().Name, err)
			}
		}
		return nil
	})
}

func (p *Path) settleAll() []func() error {
	tasks := []func() error{p.ends.settle}
	for _, n := range p.spaces {
		tasks = append(tasks, n.settle)
	}
	return tasks
}

// openPorts runs in the namespace of the ends.
func (p *Path) openPorts() (err error) {
	for end, name := range []string{clientPort, serverPort} {
		if p.ports[end], err = openBarePort(name); err != nil {
			return err
		}
	}
	for _, r := range p.relays {
		if err := r.open(); err != nil {
			return err
		}
	}
	return nil
}
