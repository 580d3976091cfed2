package trace

import (
	"slices"

	"dpilab/dpi/packet"
)

// Result is what came of a trace.
type Result struct {
	Trace    *Trace
	Failures []Failure // in the order in which they came up; none: as expected
	shares   map[shareKey]*share
}

// Failure is a line of the script where something else came out than was expected.
type Failure struct {
	Line     int
	Expected string
	Got      string
}

// OK tells whether all was as expected.
func (r *Result) OK() bool { return len(r.Failures) == 0 }

// maxFailures ends a run.
const maxFailures = 50

// share counts over rounds and repeats.
type share struct {
	item    item
	text    string
	hit, of int
}

type shareKey struct{ line, item int }

var passedItem = item{kind: isPassed}

// judge compares what came of a line with what it expects.
func (r *Result) judge(line int, want *expectation, h *happening) {
	x := expectation{text: "=> passed"}
	if want != nil {
		x = *want
	}
	if len(x.far) == 0 {
		x.far = []item{passedItem}
	}
	j := &judging{happening: h, result: r, line: line, text: x.text}
	j.far(x.far)
	j.near(x.near)
	if j.bad {
		r.Failures = append(r.Failures, Failure{Line: line, Expected: x.text, Got: h.story()})
	}
}

type judging struct {
	*happening
	result *Result
	line   int
	text   string
	bad    bool
	claims map[*sent]int // the item that a packet answers to
}

func (j *judging) require(ok bool) { j.bad = j.bad || !ok }

// the classes of packets.
func (s *sent) passed() bool { return s.out != nil && sameButTTL(s.want, s.out) }

func (s *sent) exact() bool { return s.passed() && ttlOf(s.want) == ttlOf(s.out) }

func (s *sent) changed() bool { return s.out != nil && !s.passed() }

// is tells whether a packet is of the kind that an item speaks of.
func (x *item) is(s *sent) bool {
	switch x.kind {
	case isPassed:
		return s.passed() && (s.exact() || x.asks("ttl"))
	case isDropped:
		return s.out == nil && !s.dies
	case isExpired:
		return s.out == nil && s.dies
	case isRewritten:
		return s.changed()
	case isFlags:
		return s.out != nil && tcpFlags(s.out) == int(x.flags)
	}
	return false
}

func (x *item) asks(name string) bool {
	return slices.ContainsFunc(x.fields, func(f field) bool { return f.name == name })
}

func tcpFlags(data []byte) int {
	var p packet.Packet
	if p.Decode(data) != nil || p.Protocol != packet.TCP || !p.HasTransport {
		return -1
	}
	return int(p.Flags)
}

// ofPackets tells whether an item is about the packets that were sent, each of which answers to one item.
func (x *item) ofPackets() bool {
	return x.kind == isPassed || x.kind == isDropped || x.kind == isExpired || x.kind == isRewritten || x.kind == isFlags
}

func (j *judging) far(items []item) {
	j.claims = map[*sent]int{}
	extras, released := len(j.extra), len(j.released)
	about := false // packets, or amounts of them
	for i := range items {
		x := &items[i]
		switch {
		case x.share:
			j.share(i, x)
		case x.ofPackets():
			j.claim(i, x)
		case x.kind == isAny:
			extras, released = 0, 0
		case x.kind == isReleased:
			j.require(x.count(released) && j.fieldsOf(x, j.released))
			released = 0
		case x.kind == isExtra:
			n := j.extrasLike(x)
			j.require(x.count(n))
			extras -= n
		case x.kind == isHit:
			j.require(!j.watched || slices.Contains(j.hits, x.rule))
		case x.kind == isNoHit:
			j.require(!j.watched || len(j.hits) == 0)
		default:
			j.amount(x)
		}
		about = about || x.share || x.ofPackets() || x.kind == isAny || x.isAmount()
	}
	if !about {
		items = append(slices.Clone(items), passedItem)
		j.claim(len(items)-1, &passedItem)
	}
	for _, s := range j.sent {
		if _, claimed := j.claims[s]; !claimed {
			j.require(unclaimed(items, s))
		}
	}
	j.require(extras == 0 && released == 0)
	j.ordered(items)
}

func (x *item) isAmount() bool { return x.kind == isRate || x.kind == isGoodput || x.kind == isBytes }

func (j *judging) extrasLike(x *item) (n int) {
	for _, data := range j.extra {
		if tcpFlags(data) == int(x.flags) && j.fields(x, nil, data) {
			n++
		}
	}
	return n
}

// unclaimed tells whether a packet that no item claimed may be as it is: behind a count, the others are dropped; behind a count of
// dropped ones, they pass; behind an amount, they do either.
func unclaimed(items []item, s *sent) bool {
	has := func(is func(x item) bool) bool { return slices.ContainsFunc(items, is) }
	switch {
	case has(func(x item) bool { return x.share || x.kind == isAny }):
		return true
	case has(func(x item) bool { return x.isAmount() }):
		return !s.changed()
	case has(func(x item) bool { return x.ofPackets() && !x.counts }):
		return false
	case has(func(x item) bool { return x.counts && x.ofPackets() && x.kind != isDropped }):
		return s.out == nil
	}
	return s.exact()
}

func (x *item) count(n int) bool {
	if !x.counts {
		return n > 0
	}
	return float64(n) >= x.lo && float64(n) <= x.hi
}

// claim gives an item the packets that are as it says.
func (j *judging) claim(i int, x *item) {
	n := 0
	for _, s := range j.sent {
		if _, taken := j.claims[s]; !taken && x.is(s) && j.fields(x, s, s.out) {
			j.claims[s] = i
			n++
		}
	}
	if x.counts {
		j.require(x.count(n))
	}
}

func (j *judging) share(i int, x *item) {
	key := shareKey{j.line, i}
	s := j.result.shares[key]
	if s == nil {
		s = &share{item: *x, text: j.text}
		j.result.shares[key] = s
	}
	for _, p := range j.sent {
		if s.of++; x.is(p) {
			s.hit++
		}
	}
}
