package rules

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
)

// addrs gives the Class of an address. The class of a prefix counts those that cover it in.
type addrs struct {
	classes *classes
	four    intervals // the address in the high half
	six     intervals // of the first half of the address
	inner   []interval
}

func (x *addrs) class(a netip.Addr) Class {
	if a.Is4() || a.Is4In6() {
		b := a.As4()
		return makeClass(x.four.find(uint64(binary.BigEndian.Uint32(b[:]))<<32).value, 0)
	}
	if !a.IsValid() {
		return 0
	}
	b := a.As16()
	i := x.six.find(binary.BigEndian.Uint64(b[:]))
	if i.inner != 0 {
		i = search(x.inner, int(i.value)+1, int(i.value+i.inner), binary.BigEndian.Uint64(b[8:]))
	}
	return makeClass(i.value, 0)
}

// network is a prefix, and the class of those that want it.
type network struct {
	from  wide
	bits  int // of 128
	class uint32
}

// wide is a number of 128 bits.
type wide struct{ high, low uint64 }

func (a wide) compare(b wide) int {
	return cmp.Or(cmp.Compare(a.high, b.high), cmp.Compare(a.low, b.low))
}

// end gives the number behind the network, and false if there is none.
func (n *network) end() (wide, bool) {
	if n.bits <= 64 {
		if n.bits == 0 {
			return wide{}, false
		}
		end := wide{n.from.high + 1<<(64-n.bits), 0}
		return end, end.high != 0
	}
	end := wide{n.from.high, n.from.low + 1<<(128-n.bits)}
	if end.low == 0 {
		end.high++
		return end, end.high != 0
	}
	return end, true
}

// addrsBuilder takes prefixes, each for an atom.
type addrsBuilder struct {
	classes   *classes
	four, six []network
}

// grow makes room for prefixes that will be added.
func (b *addrsBuilder) grow(prefixes []netip.Prefix) {
	four := 0
	for _, p := range prefixes {
		if p.Addr().Is4() {
			four++
		}
	}
	b.four, b.six = slices.Grow(b.four, four), slices.Grow(b.six, len(prefixes)-four)
}

func (b *addrsBuilder) add(p netip.Prefix, class uint32) {
	if a := p.Addr(); a.Is4() {
		ip := a.As4()
		b.four = append(b.four, network{wide{uint64(binary.BigEndian.Uint32(ip[:])) << 32, 0}, p.Bits(), class})
	} else {
		ip := a.As16()
		b.six = append(b.six, network{wide{binary.BigEndian.Uint64(ip[:]), binary.BigEndian.Uint64(ip[8:])}, p.Bits(), class})
	}
}

func (b *addrsBuilder) build() *addrs {
	x := &addrs{classes: b.classes}
	edges := b.edges(b.four)
	all := make([]interval, 0, len(edges))
	for _, e := range edges {
		all = append(all, interval{from: e.at.high, value: e.class})
	}
	x.four = newIntervals(all)
	x.addSix(b.edges(b.six))
	b.four, b.six = nil, nil
	return x
}

// edge is where another class begins.
type edge struct {
	at    wide
	class uint32
}

// edges walks over the networks in their order, with those that cover the place it is at on a stack: two networks that overlap lie one in
// the other.
func (b *addrsBuilder) edges(networks []network) []edge {
	slices.SortFunc(networks, func(a, b network) int { return cmp.Or(a.from.compare(b.from), cmp.Compare(a.bits, b.bits)) })
	all := make([]edge, 1, len(networks)+len(networks)/2+1)
	change := func(at wide, class uint32) {
		if last := len(all) - 1; last > 0 && all[last].at == at {
			all = all[:last]
		}
		if last := &all[len(all)-1]; last.at == at {
			last.class = class
		} else if last.class != class {
			all = append(all, edge{at, class})
		}
	}
	type cover struct {
		end   wide
		ends  bool
		class uint32
	}
	stack := []cover{{}} // class 0 covers all
	closeTo := func(until *wide) {
		for top := &stack[len(stack)-1]; top.ends && (until == nil || top.end.compare(*until) <= 0); top = &stack[len(stack)-1] {
			stack = stack[:len(stack)-1]
			change(top.end, stack[len(stack)-1].class)
		}
	}
	for i := range networks {
		n := &networks[i]
		closeTo(&n.from)
		end, ends := n.end()
		class := b.classes.union(stack[len(stack)-1].class, n.class)
		stack = append(stack, cover{end, ends, class})
		change(n.from, class)
	}
	closeTo(nil)
	return all
}

// addSix puts the edges that are within one first half into intervals of their own.
func (x *addrs) addSix(edges []edge) {
	all := make([]interval, 0, len(edges)+len(edges)/8)
	for i := 0; i < len(edges); {
		high, next := edges[i].at.high, i+1
		for next < len(edges) && edges[next].at.high == high {
			next++
		}
		last := edges[next-1].class
		if next == i+1 && edges[i].at.low == 0 {
			all = append(all, interval{from: high, value: last})
			i = next
			continue
		}
		first := len(x.inner)
		if edges[i].at.low != 0 { // before it is what came from before
			x.inner = append(x.inner, interval{value: edges[i-1].class})
		}
		for _, e := range edges[i:next] {
			x.inner = append(x.inner, interval{from: e.at.low, value: e.class})
		}
		all = append(all, interval{from: high, value: uint32(first), inner: uint32(len(x.inner) - first)})
		if high+1 != 0 && (next == len(edges) || edges[next].at != wide{high + 1, 0}) {
			all = append(all, interval{from: high + 1, value: last})
		}
		i = next
	}
	x.six = newIntervals(all)
}
