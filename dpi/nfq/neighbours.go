package nfq

import (
	"dpilab/rules"
)

// neighbours remembers which frame address the packets of an IP address come with, on either side of a bridge, so
// that packets of the box's own can be addressed. It is a cache of fixed size: a newer address takes the place of an
// older one, and an address that is not in it gets what the side's last packet came with (mostly the router there).
// Not safe for concurrent use.
type neighbours struct {
	slots [neighbourSlots]neighbour
	last  [2]neighbour // inside, outside
}

type neighbour struct {
	ip    [16]byte
	mac   [6]byte
	side  rules.Side
	known bool
}

const neighbourSlots = 1 << 10

// learn takes in that a packet from the IP address src came from this side with this address.
func (n *neighbours) learn(src [16]byte, side rules.Side, mac [6]byte) {
	e := neighbour{ip: src, mac: mac, side: side, known: true}
	n.slots[slot(&src)] = e
	n.last[side-rules.SideInside] = e
}

// find gives the frame address to use for an IP address of this side; false when nothing came from there yet.
func (n *neighbours) find(ip [16]byte, side rules.Side) (mac [6]byte, ok bool) {
	if e := &n.slots[slot(&ip)]; e.known && e.ip == ip && e.side == side {
		return e.mac, true
	}
	e := &n.last[side-rules.SideInside]
	return e.mac, e.known
}

// slot is FNV-1a over the address.
func slot(ip *[16]byte) uint32 {
	h := uint32(2166136261)
	for _, b := range ip {
		h = (h ^ uint32(b)) * 16777619
	}
	return (h ^ h>>16) % neighbourSlots
}

// addresses reads source and destination of an IP packet, IPv4 ones in the first four bytes. False: not one.
func addresses(p []byte) (src, dst [16]byte, v6, ok bool) {
	switch {
	case len(p) >= 20 && p[0]>>4 == 4:
		copy(src[:], p[12:16])
		copy(dst[:], p[16:20])
		return src, dst, false, true
	case len(p) >= 40 && p[0]>>4 == 6:
		copy(src[:], p[8:24])
		copy(dst[:], p[24:40])
		return src, dst, true, true
	}
	return src, dst, false, false
}
