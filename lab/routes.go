package lab

import (
	"net/netip"
	"slices"
)

// way is how one node reaches another: its first neighbour on it, the link to that one, by its index, and the number of
// links in all.
type way struct {
	next   string
	link   int
	length int
}

// nodes gives hosts and routers, in the order of the topology.
func (t *Topology) nodes() []string {
	var all []string
	for _, h := range t.Hosts {
		all = append(all, h.Name)
	}
	return append(all, t.Routers...)
}

// search finds the shortest way, counted in links, from one node to every node that it reaches through routers. Among
// equals the link that stands first wins.
func (t *Topology) search(from string) map[string]way {
	ways := map[string]way{from: {}}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if at != from && !slices.Contains(t.Routers, at) {
			continue
		}
		for i, l := range t.Links {
			next, ok := l.other(at)
			if _, known := ways[next]; !ok || known {
				continue
			}
			w := ways[at]
			if at == from {
				w = way{next: next, link: i}
			}
			w.length++
			ways[next] = w
			queue = append(queue, next)
		}
	}
	return ways
}

// other gives the node at the other end of the link.
func (l LinkSpec) other(node string) (string, bool) {
	switch node {
	case l.Ends[0].Node:
		return l.Ends[1].Node, true
	case l.Ends[1].Node:
		return l.Ends[0].Node, true
	}
	return "", false
}

// route sends a subnet, or everything with bits 0, to a gateway.
type route struct {
	to  netip.Prefix
	via netip.Addr
}

// routes gives the static routes of a node. A host with one link sends everything to the router there, as a subscriber
// does; every other node knows the lab's subnets and nothing else, so that an address outside the lab is unreachable.
func (t *Topology) routes(node string) []route {
	var all []route
	if gateway, ok := t.onlyRouter(node); ok {
		for _, p := range gateway.Addrs {
			everything := netip.PrefixFrom(netip.IPv6Unspecified(), 0)
			if p.Addr().Is4() {
				everything = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
			}
			all = append(all, route{everything, p.Addr()})
		}
		return all
	}
	ways := t.search(node)
	for _, l := range t.Links {
		if _, own := l.other(node); own {
			continue
		}
		near := ways[l.Ends[0].Node]
		if w := ways[l.Ends[1].Node]; w.length < near.length {
			near = w
		}
		gateway := t.Links[near.link].end(near.next)
		for _, subnet := range subnetsOf(l.Ends[0]) {
			if via := gateway.addr(subnet.Addr().Is4()); via.IsValid() {
				all = append(all, route{subnet, via})
			}
		}
	}
	return all
}

// onlyRouter gives the router's end of the only link of a host.
func (t *Topology) onlyRouter(node string) (EndSpec, bool) {
	var gateway []EndSpec
	for _, l := range t.Links {
		if other, ok := l.other(node); ok {
			gateway = append(gateway, l.end(other))
		}
	}
	if t.Host(node) == nil || len(gateway) != 1 || !slices.Contains(t.Routers, gateway[0].Node) {
		return EndSpec{}, false
	}
	return gateway[0], true
}

// end gives a node's end of the link.
func (l LinkSpec) end(node string) EndSpec {
	if l.Ends[0].Node == node {
		return l.Ends[0]
	}
	return l.Ends[1]
}

// addr gives the end's address of one family, the zero Addr when it has none.
func (e EndSpec) addr(v4 bool) netip.Addr {
	for _, p := range e.Addrs {
		if p.Addr().Is4() == v4 {
			return p.Addr()
		}
	}
	return netip.Addr{}
}
