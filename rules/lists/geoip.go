package lists

import "net/netip"

func geoip(s *source) {
	s.dat(s.im.Countries, "--country", fieldIPCode, func(l datList) {
		s.list = shownCode(l.code)
		if l.inverse {
			s.cannot(0, "is about every address that is not in it (inverse_match)")
			return
		}
		for n, entry := range l.entries {
			s.cidrEntry(n, entry)
			if s.failed != nil {
				return
			}
		}
	})
}

// cidrEntry takes a CIDR: 4 or 16 bytes and the number of leading ones.
func (s *source) cidrEntry(n int, entry []byte) {
	var ip []byte
	bits := uint64(0)
	err := fields(entry, func(f field) {
		switch {
		case f.number == 1 && f.bytes != nil:
			ip = f.bytes
		case f.number == 2 && f.bytes == nil:
			bits = f.value
		}
	})
	a, ok := netip.AddrFromSlice(ip)
	if err == nil && ok && a.Is4In6() && 96 <= bits && bits <= 128 {
		a, bits = a.Unmap(), bits-96
	}
	switch {
	case err != nil:
		s.bad(n, "is broken: %v", err)
	case !ok || bits > uint64(a.BitLen()) || a.Is4In6():
		s.bad(n, "found %d bytes of an address and %d bits, expected 4 bytes and 0 to 32, or 16 and 0 to 128", len(ip), bits)
	default:
		p := netip.PrefixFrom(a, int(bits))
		if p != p.Masked() {
			s.note(noteCut)
		}
		s.prefix(p.Masked())
	}
}
