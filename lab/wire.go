package lab

import (
	"fmt"

	"github.com/vishvananda/netlink"
)

// The names of the interfaces in a box's namespace.
const (
	bridgeName  = "br0"
	insidePort  = "inside"
	outsidePort = "outside"
)

// Port is an interface of a box.
type Port struct {
	Name  string
	Index int // in the box's namespace
}

// Wire is the place of a box on a link: a namespace with two ports on a bridge, which passes everything on and adds no
// hop. Bridged IPv4 and IPv6 packets go through the forward hook of netfilter there.
type Wire struct {
	Box     string
	Link    string
	Inside  Port // towards the first end of the link
	Outside Port

	space *namespace
}

// NetNS is a descriptor of the box's network namespace, valid until the lab is closed.
func (w *Wire) NetNS() int { return w.space.fd() }

// Do runs f with the thread in the box's namespace, as Host.Do does.
func (w *Wire) Do(f func() error) error { return w.space.do(f) }

func (w *Wire) findPorts() error {
	return w.space.withNetlink(func(nl *netlink.Handle) error {
		for name, p := range map[string]*Port{insidePort: &w.Inside, outsidePort: &w.Outside} {
			l, err := nl.LinkByName(name)
			if err != nil {
				return fmt.Errorf("box %s: %w", w.Box, err)
			}
			*p = Port{Name: name, Index: l.Attrs().Index}
		}
		return nil
	})
}
