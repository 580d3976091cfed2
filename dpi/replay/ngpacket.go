package replay

// packet reads one of the three blocks that hold a packet.
func (s *ngSource) packet(r *record, kind uint32, body []byte) error {
	number := s.number + 1
	head := map[uint32]int{blockPacket: 20, blockOld: 20, blockSimple: 4}[kind]
	if len(body) < head {
		return s.in.broken(number, "its block has %d bytes", len(body))
	}
	o := s.order
	*r = record{packet: true, number: number, raw: r.raw}
	var captured, length uint32
	if kind == blockSimple {
		length = o.Uint32(body)
		captured = min(length, uint32(len(body)-head))
	} else {
		r.face, r.timed = int(o.Uint32(body)), true
		if kind == blockOld {
			r.face = int(o.Uint16(body))
		}
		r.stamp = uint64(o.Uint32(body[4:]))<<32 | uint64(o.Uint32(body[8:]))
		captured, length = o.Uint32(body[12:]), o.Uint32(body[16:])
	}
	if r.face >= len(s.faces) {
		return s.in.broken(number, "it is of interface %d, and there are %d", r.face, len(s.faces))
	}
	f := &s.faces[r.face]
	if kind == blockSimple && f.snap > 0 {
		captured = min(captured, f.snap)
	}
	if captured > maxFrame || int(captured) > len(body)-head {
		return s.in.broken(number, "it claims to have %d bytes, and its block has %d", captured, len(body)-head)
	}
	if r.timed {
		r.time = f.nanos(r.stamp)
	}
	r.frame = body[head : head+int(captured)]
	r.length = int(max(captured, min(length, maxFrame)))
	if kind != blockSimple {
		rest := body[min(len(body), head+int(captured+3)&^3):]
		r.extra = rest[:eachOption(o, rest, func(uint16, []byte) {})]
	}
	s.number = number
	return nil
}
