package dpi

import (
	"slices"
	"time"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

// fragments is the queue of IP fragments (B34; IMC22, P): those of one packet are held until all are there, and then leave as they
// came, unassembled, in the order of their arrival. Its memory is bounded by the profile's number of sets.
type fragments struct {
	sets     map[fragmentKey]*fragmentSet
	queue    []queuedSet // in the order in which they began; those that left stand there for a while
	idle     []*fragmentSet
	released []*fragmentSet // whose bytes the verdicts of the last call still use
	serial   uint64         // of the set that began last
	scratch  []byte         // a packet put together, for profiles that read it
}

// fragmentKey names the packet that a fragment is of (RFC 791, section 3.2; RFC 8200, section 4.5), and the side it came from.
type fragmentKey struct {
	src, dst [16]byte
	id       uint32
	protocol uint8 // IPv4 only
	dir      rules.Direction
}

// holds tells whether the packet at hand is one that the profile holds back.
func (e *Engine) holds() bool {
	if !e.pkt.Fragment {
		return false
	}
	e.reload()
	return e.policies[e.current].compiled.Profile.Fragments.Hold
}

// fragment takes the fragment at hand into the queue, and gives verdicts on all whose fate it settles.
func (e *Engine) fragment(id uint32, out []Verdict) []Verdict {
	p, limit := &e.pkt, &e.policies[e.current].compiled.Profile.Fragments
	q := &e.fragments
	k := fragmentKey{src: p.Src, dst: p.Dst, id: p.FragID, dir: e.dir}
	if p.Version == 4 {
		k.protocol = p.Protocol
	}
	s := q.sets[k]
	if s == nil {
		if len(q.sets) >= limit.Sets {
			e.stats.Unseen++
			var v fate
			if e.policies[e.current].compiled.Profile.FailClosed {
				v.Action = Drop
			}
			return e.settle(id, v, out)
		}
		s = q.open(k, e.now+limit.Timeout, limit.Sets)
	}
	h := heldFragment{id: id, from: p.FragOffset, to: p.FragOffset + p.Length - p.Transport, length: p.Length}
	switch {
	case s.state == fragmentsLost:
		return e.settle(id, fate{Action: Drop}, out)
	case s.broken(h, p.MoreFragments):
		return e.lose(s, id, out)
	case s.overlaps(h):
		if limit.Discard {
			return e.lose(s, id, out)
		}
		return e.settle(id, fate{Action: Drop}, out)
	case len(s.held) >= limit.Max:
		return e.lose(s, id, out)
	}
	s.hold(h, p)
	if s.sum != s.total {
		return out
	}
	return e.release(s, limit, out)
}

// queuedSet is a place in the queue. Its set may have left before its time, and may even be another one's by now.
type queuedSet struct {
	set    *fragmentSet
	serial uint64
	until  time.Duration
}

func (x queuedSet) waits() bool { return x.set.state != fragmentsOver && x.set.serial == x.serial }

func (q *fragments) open(k fragmentKey, until time.Duration, most int) *fragmentSet {
	if q.sets == nil {
		q.sets = map[fragmentKey]*fragmentSet{}
	}
	s := new(fragmentSet)
	if n := len(q.idle); n > 0 {
		s, q.idle = q.idle[n-1], q.idle[:n-1]
	}
	q.serial++
	*s = fragmentSet{key: k, serial: q.serial, held: s.held[:0], bytes: s.bytes[:0]}
	q.sets[k] = s
	if len(q.queue) >= 2*most {
		q.queue = slices.DeleteFunc(q.queue, func(x queuedSet) bool { return !x.waits() })
	}
	q.queue = append(q.queue, queuedSet{s, q.serial, until})
	return s
}

// lose drops a set: what is held, the fragment at hand, and what may still come.
func (e *Engine) lose(s *fragmentSet, id uint32, out []Verdict) []Verdict {
	out = e.dropHeld(s, out)
	s.state = fragmentsLost
	return e.settle(id, fate{Action: Drop}, out)
}

func (e *Engine) dropHeld(s *fragmentSet, out []Verdict) []Verdict {
	for _, h := range s.held {
		out = e.settle(h.id, fate{Action: Drop}, out)
	}
	s.held, s.bytes = s.held[:0], s.bytes[:0]
	return out
}

// judge decides a packet that was held, of so many bytes on the wire.
func (e *Engine) judge(data []byte, length int) fate {
	if e.pkt.DecodeCut(data, length) != nil && e.pkt.Version == 0 {
		return fate{}
	}
	return e.decide()
}

// release lets a complete set go on: each fragment by its addresses, or all as the packet is judged that they make, if the bytes are there.
func (e *Engine) release(s *fragmentSet, limit *rules.Fragments, out []Verdict) []Verdict {
	s.state = fragmentsOver
	delete(e.fragments.sets, s.key)
	e.fragments.released = append(e.fragments.released, s)
	if limit.Inspect && !s.cut {
		return e.releaseRead(s, limit, out)
	}
	for _, h := range s.held {
		out = e.settle(h.id, e.leave(s, h, limit, e.judge(s.bytes[h.start:h.end], h.length)), out)
	}
	return e.takeSends(out)
}

// leave gives a verdict its fragment, with the TTL of the first one. A fragment of which bytes are missing leaves as it came.
func (e *Engine) leave(s *fragmentSet, h heldFragment, limit *rules.Fragments, v fate) fate {
	if v.Action == Drop || !limit.CopyTTL {
		return v
	}
	data := v.Data
	if v.Action == Accept {
		data = s.bytes[h.start:h.end]
	}
	var p packet.Packet
	if p.Decode(data) == nil && p.TTL != s.ttl {
		packet.SetTTL(p.Data, s.ttl)
		v.Action, v.Data = Rewrite, data
	}
	return v
}

// releaseRead judges the packet that the fragments make. If it is to be rewritten, the new packet leaves in their place.
func (e *Engine) releaseRead(s *fragmentSet, limit *rules.Fragments, out []Verdict) []Verdict {
	q := &e.fragments
	q.scratch = s.assemble(q.scratch[:0])
	v := e.judge(q.scratch, 0)
	if v.Action == Rewrite {
		e.sends = append(e.sends, Verdict{Action: Send, Dir: e.dir, Data: v.Data})
		v = fate{Action: Drop}
	}
	for _, h := range s.held {
		// Nothing is left to the kernel, which knows fragments by no port.
		out = e.settle(h.id, e.leave(s, h, limit, fate{Action: v.Action}), out)
	}
	return e.takeSends(out)
}

// expireFragments drops sets whose time is over, and takes back the bytes of those that left with the last call.
func (e *Engine) expireFragments(out []Verdict) []Verdict {
	q := &e.fragments
	if len(q.queue)+len(q.released) == 0 {
		return out
	}
	q.idle = append(q.idle, q.released...)
	q.released = q.released[:0]
	n := 0
	for n < len(q.queue) && e.now >= q.queue[n].until {
		out = e.lapse(q.queue[n], out)
		n++
	}
	if n > 0 {
		q.queue = q.queue[:copy(q.queue, q.queue[n:])]
	}
	return out
}

// lapse drops a set that still waits.
func (e *Engine) lapse(x queuedSet, out []Verdict) []Verdict {
	if !x.waits() {
		return out
	}
	out = e.dropHeld(x.set, out)
	x.set.state = fragmentsOver
	delete(e.fragments.sets, x.set.key)
	e.fragments.idle = append(e.fragments.idle, x.set)
	return out
}

// Abandon gives up every packet that is held, with a verdict of drop for each: for a caller that ends, or that loses its packets, and whose
// next ones may have the same IDs. Same goroutine as Handle.
func (e *Engine) Abandon(out []Verdict) []Verdict {
	for _, x := range e.fragments.queue {
		out = e.lapse(x, out)
	}
	e.fragments.queue = e.fragments.queue[:0]
	return out
}
