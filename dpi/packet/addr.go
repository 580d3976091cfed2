package packet

import "net/netip"

// AddrOf gives an address of a Packet the form of the standard library: IPv4 unmapped.
func AddrOf(a [16]byte) netip.Addr { return netip.AddrFrom16(a).Unmap() }

// Bytes gives an address the form that a Packet holds: IPv4 as ::ffff:a.b.c.d. The zone is lost; the zero Addr
// gives zeros.
func Bytes(a netip.Addr) [16]byte {
	if !a.IsValid() {
		return [16]byte{}
	}
	return a.As16()
}

func is4in6(a [16]byte) bool { return [12]byte(a[:12]) == [12]byte{10: 0xff, 11: 0xff} }
