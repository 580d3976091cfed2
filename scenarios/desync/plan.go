package desync

import "time"

// step is one packet that the client sends: a part of the stream, or a fake.
type step struct {
	wait time.Duration // before it
	at   int           // where in the stream it begins; a fake, where it pretends to
	data []byte        // with a seqovl, its bytes too
	over int           // bytes of data that lie in front of at
	ttl  hopLimit
	urge bool  // the last byte is urgent
	fake *fake // nil: part of the stream
}

// end is the place in the stream behind the packet.
func (p step) end() int { return p.at + len(p.data) - p.over }

// plan is what is to be sent in place of the client's first write.
type plan struct {
	stream []byte // what the server's kernel puts together, the urgent byte included
	urgent int    // where that one is; -1: none
	steps  []step // nil: the kernel sends the stream by itself
}

// plan makes the packets for what the client writes first. No packet of the stream has more than mss bytes.
func (s Strategy) plan(first []byte, mss int) (plan, error) {
	p := plan{stream: first, urgent: -1}
	where, request := helloMarks(first), false
	if where != nil {
		p.stream, where = s.prepareHello(first, where)
	} else if where = requestMarks(first); where != nil {
		request = true
		p.stream, where = s.prepareRequest(first, where)
	}
	if !s.usesRaw() {
		return p, nil
	}
	for i := range s.fakes {
		data, err := s.fakes[i].payload.stream(request)
		if err != nil {
			return p, err
		}
		for range s.fakes[i].times {
			p.steps = append(p.steps, step{data: data, ttl: s.fakes[i].ttl, fake: &s.fakes[i]})
		}
	}
	p.steps = append(p.steps, s.segments(&p, where, mss)...)
	return p, nil
}

// segments cuts the stream, and puts the pieces into their order.
func (s Strategy) segments(p *plan, where map[string]int, mss int) []step {
	size := len(p.stream)
	places := s.cuts
	if s.oob != nil {
		places = append(append([]place(nil), places...), *s.oob)
		if at, ok := s.oob.resolve(where, size); ok {
			p.urgent = at
		}
	}
	var all []step
	cuts := resolveAll(places, where, size)
	if p.urgent >= 0 {
		p.stream = insert(p.stream, p.urgent, 'a')
		for i, c := range cuts {
			if c >= p.urgent {
				cuts[i]++
			}
		}
	}
	begin := 0
	for _, end := range append(cuts, len(p.stream)) {
		for first := true; begin < end; first = false {
			room := mss
			if len(all) == 0 {
				room = max(1, mss-s.overlap)
			}
			n := min(end-begin, room)
			piece := step{at: begin, data: p.stream[begin : begin+n], urge: begin+n == p.urgent+1 && p.urgent >= 0}
			if first && len(all) > 0 {
				piece.wait = s.delay
			}
			all = append(all, piece)
			begin += n
		}
	}
	if s.overlap > 0 {
		all[0].data, all[0].over = append(make([]byte, s.overlap), all[0].data...), s.overlap
	}
	if s.order == expiring && len(all) > 1 {
		all[0].ttl = s.firstTTL
	}
	if s.order == reversed {
		all = backwards(all)
	}
	return all
}

// backwards puts the packets into reverse order; the waits stay between them.
func backwards(all []step) []step {
	out := make([]step, len(all))
	for i, p := range all {
		to := len(all) - 1 - i
		out[to] = p
		out[to].wait = 0
		if i+1 < len(all) {
			out[to].wait = all[i+1].wait
		}
	}
	return out
}

func insert(b []byte, at int, x byte) []byte {
	out := append(make([]byte, 0, len(b)+1), b[:at]...)
	return append(append(out, x), b[at:]...)
}
