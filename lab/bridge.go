package lab

import (
	"fmt"
	"slices"
	"time"

	"github.com/vishvananda/netlink"
)

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

// settleTime is how long the kernel may take to notice that both ends of the veth pairs are up, and that addresses are there; usually
// it is milliseconds.
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
