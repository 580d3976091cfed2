package matrix

import (
	"fmt"
	"net/netip"
	"slices"

	"dpilab/lab"
)

// view is what is where in a topology: which links the watch listens on, and which side of the boxes an address is on.
type view struct {
	client string
	router string   // the client's first
	lines  []string // "node/link" of the client's ends
	inner  string   // of the end of the first box's link on the client's side
	outer  string   // of the far end of the last box's link
	links  []string // of all these
	boxes  []string

	inside map[netip.Addr]bool   // addresses on the client's side of the first box
	hostOf map[netip.Addr]string // hosts and routers
}

// newView looks at a topology from a client. Several boxes are taken for one that stands from the first to the last of them: they are
// in a row, in the order of the topology.
func newView(t *lab.Topology, client string) (*view, error) {
	v := &view{client: client, inside: map[netip.Addr]bool{}, hostOf: map[netip.Addr]string{}, boxes: t.Boxes}
	near := reachable(t, client)
	for _, l := range t.Links {
		for i, end := range l.Ends {
			for _, a := range end.Addrs {
				v.hostOf[a.Addr()] = end.Node
				if near[end.Node] {
					v.inside[a.Addr()] = true
				}
			}
			if end.Node == client {
				v.lines = append(v.lines, client+"/"+l.Name)
				v.links = append(v.links, l.Name)
				if other := l.Ends[1-i].Node; v.router == "" && slices.Contains(t.Routers, other) {
					v.router = other
				}
			}
		}
		if l.Box == "" {
			continue
		}
		in, out := l.Ends[0].Node, l.Ends[1].Node
		switch l.Box {
		case t.Boxes[0]:
			if !near[in] || near[out] {
				return nil, fmt.Errorf("the link %s of the box %s does not lead from the side of %s to another one", l.Name, l.Box, client)
			}
			v.inner = in + "/" + l.Name
		}
		if l.Box == t.Boxes[len(t.Boxes)-1] {
			v.outer = out + "/" + l.Name
		}
		if !slices.Contains(v.links, l.Name) {
			v.links = append(v.links, l.Name)
		}
	}
	if v.inner == "" || v.outer == "" {
		return nil, fmt.Errorf("the lab %s has no box on a link", t.Name)
	}
	return v, nil
}

// reachable gives the nodes that can be reached without passing a box.
func reachable(t *lab.Topology, from string) map[string]bool {
	near := map[string]bool{from: true}
	for more := true; more; {
		more = false
		for _, l := range t.Links {
			a, b := l.Ends[0].Node, l.Ends[1].Node
			if l.Box == "" && near[a] != near[b] {
				near[a], near[b], more = true, true, true
			}
		}
	}
	return near
}

// near tells whether a node is on the client's side of the boxes.
func (v *view) near(node string) bool {
	for a, name := range v.hostOf {
		if name == node {
			return v.inside[a]
		}
	}
	return false
}
