package lab

import (
	"fmt"
	"net/netip"
	"slices"
)

func (t *Topology) checkLinks() error {
	names := map[string]bool{}
	for i, l := range t.Links {
		path := linkPath(i)
		switch {
		case !linkName.MatchString(l.Name) || slices.Contains(taken, l.Name):
			return t.wrong(path+".link", "%q is no name for a link; use a letter, then letters, digits and dashes, lower case, 15 at most, and not lo, all, default", l.Name)
		case names[l.Name]:
			return t.wrong(path+".link", "there are two links %q; rename one", l.Name)
		case len(l.Ends) != 2:
			return t.wrong(path+".ends", "link %s has %d ends; write two", l.Name, len(l.Ends))
		case l.Rate < 0 || l.Rate > maxRate:
			return t.wrong(path+".rate", "the rate of link %s must be between 0 and 30gbit", l.Name)
		case l.Delay < 0 || l.Delay > maxDelay:
			return t.wrong(path+".delay", "the delay of link %s must be between 0 and %s", l.Name, maxDelay)
		}
		names[l.Name] = true
		for _, e := range l.Ends {
			if t.Host(e.Node) == nil && !slices.Contains(t.Routers, e.Node) {
				return t.wrong(path+".ends."+e.Node, "link %s ends at %q, which is neither a host nor a router; name one that stands above", l.Name, e.Node)
			}
		}
		if l.Ends[0].Node == l.Ends[1].Node {
			return t.wrong(path+".ends", "link %s has both ends at %s; join two nodes", l.Name, l.Ends[0].Node)
		}
	}
	return nil
}

// checkAddresses wants each link to be a subnet of its own, inside the allowed ranges.
func (t *Topology) checkAddresses() error {
	owner := map[netip.Addr]string{}
	type subnet struct {
		prefix netip.Prefix
		link   string
	}
	var subnets []subnet
	for i, l := range t.Links {
		for _, e := range l.Ends {
			path := linkPath(i) + ".ends." + e.Node
			if len(e.Addrs) == 0 {
				return t.wrong(path, "%s has no address on link %s; write one, IPv4 or IPv6", e.Node, l.Name)
			}
			for j, p := range e.Addrs {
				at := fmt.Sprintf("%s[%d]", path, j)
				if err := t.checkAddress(at, p); err != nil {
					return err
				}
				if other, ok := owner[p.Addr()]; ok {
					return t.wrong(at, "the address %s is already that of %s; choose another", p.Addr(), other)
				}
				owner[p.Addr()] = e.Node
				if slices.ContainsFunc(e.Addrs[:j], func(o netip.Prefix) bool { return o.Addr().Is4() == p.Addr().Is4() }) {
					return t.wrong(at, "%s has two addresses of one family on link %s; one IPv4 and one IPv6 at most", e.Node, l.Name)
				}
			}
		}
		first, second := subnetsOf(l.Ends[0]), subnetsOf(l.Ends[1])
		if !slices.Equal(first, second) {
			return t.wrong(linkPath(i)+".ends", "the ends of link %s are not in one subnet: %s has %v, %s has %v", l.Name, l.Ends[0].Node, first, l.Ends[1].Node, second)
		}
		for _, p := range first {
			for _, o := range subnets {
				if o.prefix.Overlaps(p) {
					return t.wrong(linkPath(i)+".ends", "link %s uses %s, which overlaps %s of link %s; each link needs subnets of its own", l.Name, p, o.prefix, o.link)
				}
			}
			subnets = append(subnets, subnet{p, l.Name})
		}
	}
	return nil
}

func (t *Topology) checkAddress(path string, p netip.Prefix) error {
	inside := func(r netip.Prefix) bool { return r.Contains(p.Addr()) && p.Bits() >= r.Bits() }
	switch {
	case !p.IsValid():
		return t.wrong(path, "the address is empty")
	case p.Addr().Zone() != "" || p.Addr().Is4In6() || !slices.ContainsFunc(allowed, inside):
		return t.wrong(path, "%s is not in a documentation or benchmark range; use 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24, 198.18.0.0/15 or 2001:db8::/32", p)
	case p.IsSingleIP():
		return t.wrong(path, "%s leaves no room for the other end; use a shorter prefix, such as /30 or /64", p)
	case p.Bits() < p.Addr().BitLen()-1 && (p.Masked().Addr() == p.Addr() || p.Addr().Is4() && !p.Contains(p.Addr().Next())):
		return t.wrong(path, "%s is the first or last address of its subnet, which no host can have; choose one between", p)
	}
	return nil
}

// subnetsOf gives an end's subnets, IPv4 first.
func subnetsOf(e EndSpec) []netip.Prefix {
	var all []netip.Prefix
	for _, p := range e.Addrs {
		all = append(all, p.Masked())
	}
	slices.SortFunc(all, netip.Prefix.Compare)
	return all
}

// checkBoxes wants every box on exactly one link.
func (t *Topology) checkBoxes() error {
	on := map[string]string{}
	for i, l := range t.Links {
		if l.Box == "" {
			continue
		}
		path := linkPath(i) + ".box"
		if !slices.Contains(t.Boxes, l.Box) {
			return t.wrong(path, "link %s passes through %q, which is no box; name one that stands under boxes", l.Name, l.Box)
		}
		if other, ok := on[l.Box]; ok {
			return t.wrong(path, "box %s is already on link %s; a box sits on one link", l.Box, other)
		}
		on[l.Box] = l.Name
	}
	for _, b := range t.Boxes {
		if on[b] == "" {
			return t.wrong("boxes."+b, "box %s is on no link; give a link `box: %s`, or remove it", b, b)
		}
	}
	return nil
}

// checkReach wants every node to reach every other, through routers only.
func (t *Topology) checkReach() error {
	linked := map[string]bool{}
	for _, l := range t.Links {
		linked[l.Ends[0].Node], linked[l.Ends[1].Node] = true, true
	}
	nodes := t.nodes()
	path := func(n string) string {
		if t.Host(n) != nil {
			return "hosts." + n
		}
		return "routers." + n
	}
	for _, n := range nodes {
		if !linked[n] {
			return t.wrong(path(n), "%s is on no link; add a link that ends at it", n)
		}
	}
	reached := t.search(nodes[0])
	for _, n := range nodes {
		if _, ok := reached[n]; !ok {
			return t.wrong(path(n), "%s cannot be reached from %s; join them by links and routers (hosts do not forward)", n, nodes[0])
		}
	}
	return nil
}
