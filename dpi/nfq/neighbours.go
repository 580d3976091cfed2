package nfq

import (
	"encoding/binary"

	"dpilab/rules"
)

// neighbours remembers which frame address the packets of an IP address come with, on either side of a bridge, so
// that packets of the box's own can be addressed. It is a cache of fixed size: a newer address takes the place of an
// older one, and an address that is not in it gets what the side's last packet came with (mostly the router there).
// Not safe for concurrent use.
type neighbours struct {
	slots [2][neighbourSlots]neighbour // inside, outside
	last  [2]neighbour
}

type neighbour struct {
	ip    [16]byte
	mac   [6]byte
	known bool
}

const neighbourSlots = 1 << 9

// learn takes in that a packet from the IP address src came from this side with this address.
func (n *neighbours) learn(src [16]byte, side rules.Side, mac [6]byte) {
	at := side - rules.SideInside
	last := &n.last[at]
	if last.known && last.ip == src && last.mac == mac { // as mostly
		return
	}
	*last = neighbour{ip: src, mac: mac, known: true}
	n.slots[at][slot(&src)] = *last
}

// find gives the frame address to use for an IP address of this side; false when nothing came from there yet.
func (n *neighbours) find(ip [16]byte, side rules.Side) (mac [6]byte, ok bool) {
	at := side - rules.SideInside
	if e := &n.slots[at][slot(&ip)]; e.known && e.ip == ip {
		return e.mac, true
	}
	e := &n.last[at]
	return e.mac, e.known
}

// slot is a multiplicative hash of the address.
func slot(ip *[16]byte) uint64 {
	const odd = 0x9e3779b97f4a7c15
	h := binary.LittleEndian.Uint64(ip[:8])*odd ^ binary.LittleEndian.Uint64(ip[8:])
	return h * odd >> 32 % neighbourSlots
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
