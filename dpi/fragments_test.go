package dpi

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

// fragmentBox is a box at virtual time that holds fragments, and counts what it was given and gave.
type fragmentBox struct {
	t      *testing.T
	engine *Engine
	now    time.Duration
	ids    uint32
	out    []Verdict
}

func newFragmentBox(t *testing.T, change func(*rules.Profile), text string) *fragmentBox {
	c := policyOf(t, text)
	c.Profile.Fragments.Hold, c.Profile.Flows = true, 64
	change(&c.Profile)
	return &fragmentBox{t: t, engine: New(Options{Policy: c, Seed: 1}), now: time.Hour}
}

// send gives the verdicts on whatever is decided now, without their bytes' sharing the engine's.
func (b *fragmentBox) send(data []byte) []Verdict {
	b.ids++
	b.out = b.engine.Handle(b.now, Packet{ID: b.ids, Dir: rules.Up, Data: data}, nil)
	for i := range b.out {
		b.out[i].Data = append([]byte(nil), b.out[i].Data...)
	}
	return b.out
}

func (b *fragmentBox) wait(d time.Duration) []Verdict {
	b.now += d
	return b.engine.Advance(b.now, nil)
}

// fragmented cuts an IPv4 or IPv6 packet into n fragments with the TTLs given, the last one for the rest.
func fragmented(p []byte, n int, id uint32, ttls ...uint8) (out [][]byte) {
	headers := 20
	if p[0]>>4 == 6 {
		headers = 40
	}
	body := p[headers:]
	size := (len(body)/n + 7) / 8 * 8
	for i := range n {
		from, to := i*size, min((i+1)*size, len(body))
		if i == n-1 {
			to = len(body)
		}
		out = append(out, fragment(p, from, body[from:to], i < n-1, id, ttls[min(i, len(ttls)-1)]))
	}
	return out
}

func fragment(p []byte, at int, body []byte, more bool, id uint32, ttl uint8) []byte {
	field := uint16(at)
	if p[0]>>4 == 6 {
		b := append([]byte(nil), p[:40]...)
		binary.BigEndian.PutUint16(b[4:], uint16(8+len(body)))
		b = append(b, b[6], 0, 0, 0, 0, 0, 0, 0)
		b[6], b[7] = 44, ttl
		if more {
			field |= 1
		}
		binary.BigEndian.PutUint16(b[42:], field)
		binary.BigEndian.PutUint32(b[44:], id)
		return append(b, body...)
	}
	b := append(append([]byte(nil), p[:20]...), body...)
	field /= 8
	if more {
		field |= 0x2000
	}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	binary.BigEndian.PutUint16(b[4:], uint16(id))
	binary.BigEndian.PutUint16(b[6:], field)
	b[8] = ttl
	binary.BigEndian.PutUint16(b[10:], 0)
	sum := uint32(0)
	for i := 0; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	binary.BigEndian.PutUint16(b[10:], ^uint16(sum+sum>>16))
	return b
}

func datagram(v6 bool, payload []byte) []byte {
	if v6 {
		return packet.AppendUDP(nil, netip.MustParseAddrPort("[2001:db8::2]:4000"), netip.MustParseAddrPort("[2001:db8:1::2]:443"), 64, payload)
	}
	return packet.AppendUDP(nil, netip.MustParseAddrPort("198.51.100.2:4000"), netip.MustParseAddrPort("203.0.113.2:443"), 64, payload)
}

const nothing = "- {rule: nothing, when: {to: 192.0.2.1}, do: {drop: both}, source: {ref: choice}}\n"

// IMC22, P: neither fragment leaves before both are in; two leave, not one packet; both with the TTL of the first.
func TestFragmentsAreHeld(t *testing.T) {
	for _, v6 := range []bool{false, true} {
		b := newFragmentBox(t, func(*rules.Profile) {}, nothing)
		parts := fragmented(datagram(v6, make([]byte, 1000)), 2, 7, 64, 10)
		require.Empty(t, b.send(parts[0]))
		require.Empty(t, b.wait(time.Second))
		out := b.send(parts[1])
		require.Len(t, out, 2)
		require.Equal(t, Verdict{ID: 1}, Verdict{ID: out[0].ID, Action: out[0].Action})
		require.Equal(t, Rewrite, out[1].Action)
		require.Equal(t, fragmented(datagram(v6, make([]byte, 1000)), 2, 7, 64, 64)[1], out[1].Data)

		// The order of arrival is kept, and the first one may come last.
		parts = fragmented(datagram(v6, make([]byte, 1000)), 3, 8, 64)
		require.Empty(t, b.send(parts[2]))
		require.Empty(t, b.send(parts[0]))
		out = b.send(parts[1])
		require.Equal(t, []uint32{3, 4, 5}, []uint32{out[0].ID, out[1].ID, out[2].ID})
		require.Zero(t, len(b.engine.fragments.sets))
	}
}

// IMC22, P: 45 fragments pass, 46 are lost.
func TestFragmentsAtMost(t *testing.T) {
	for n, want := range map[int]Action{45: Accept, 46: Drop} {
		b := newFragmentBox(t, func(*rules.Profile) {}, nothing)
		var out []Verdict
		for _, p := range fragmented(datagram(false, make([]byte, 46*16)), n, 1, 64) {
			out = append(out, b.send(p)...)
		}
		require.Len(t, out, n)
		for _, v := range out {
			require.Equal(t, want, v.Action)
		}
	}
}

func TestFragmentsDuplicates(t *testing.T) {
	parts := fragmented(datagram(false, make([]byte, 1000)), 3, 1, 64)
	b := newFragmentBox(t, func(*rules.Profile) {}, nothing)
	b.send(parts[0])
	require.Len(t, b.send(parts[0]), 2) // both lost
	require.Equal(t, Drop, b.send(parts[1])[0].Action)
	require.Equal(t, Drop, b.send(parts[2])[0].Action)
	b.wait(5 * time.Second)
	b.send(parts[0])
	b.send(parts[1])
	require.Equal(t, Accept, b.send(parts[2])[0].Action, "the set is forgotten after its time")

	b = newFragmentBox(t, func(p *rules.Profile) { p.Fragments.Discard = false }, nothing)
	b.send(parts[0])
	require.Equal(t, Drop, b.send(parts[0])[0].Action)
	b.send(parts[1])
	require.Len(t, b.send(parts[2]), 3)
}

func TestFragmentsTime(t *testing.T) {
	parts := fragmented(datagram(false, make([]byte, 1000)), 2, 1, 64)
	b := newFragmentBox(t, func(*rules.Profile) {}, nothing)
	b.send(parts[0])
	require.Empty(t, b.wait(4999*time.Millisecond))
	out := b.wait(time.Millisecond)
	require.Len(t, out, 1)
	require.Equal(t, Verdict{ID: 1, Action: Drop}, out[0])
	require.Empty(t, b.send(parts[1]), "a new set")
}

func TestFragmentsFull(t *testing.T) {
	for closed, want := range map[bool]Action{false: Accept, true: Drop} {
		b := newFragmentBox(t, func(p *rules.Profile) { p.Fragments.Sets, p.FailClosed = 2, closed }, nothing)
		for id := range uint32(2) {
			require.Empty(t, b.send(fragmented(datagram(false, make([]byte, 100)), 2, id, 64)[0]))
		}
		require.Equal(t, want, b.send(fragmented(datagram(false, make([]byte, 100)), 2, 9, 64)[0])[0].Action)
	}
}

// Sets that left make room at once, however many come within the time of one.
func TestFragmentsMakeRoom(t *testing.T) {
	b := newFragmentBox(t, func(p *rules.Profile) { p.Fragments.Sets = 2 }, nothing)
	for id := range uint32(500) {
		parts := fragmented(datagram(false, make([]byte, 100)), 2, id, 64)
		require.Empty(t, b.send(parts[0]))
		require.Len(t, b.send(parts[1]), 2)
	}
	require.LessOrEqual(t, len(b.engine.fragments.queue), 4)
	require.LessOrEqual(t, len(b.engine.fragments.idle), 2)
}

// A blocked address stays blocked, in pieces too. What complete sets say is read only by profiles that do: in 2022 a fragmented
// ClientHello passed (IMC22, P).
func TestFragmentsAreJudged(t *testing.T) {
	blocked := "- {rule: blocked, when: {to: 203.0.113.0/24}, do: {drop: both}, source: {ref: choice}}\n"
	b := newFragmentBox(t, func(*rules.Profile) {}, blocked)
	parts := fragmented(datagram(false, make([]byte, 1000)), 2, 1, 64)
	b.send(parts[0])
	for _, v := range b.send(parts[1]) {
		require.Equal(t, Drop, v.Action)
	}

	up := packet.AppendTCP(nil, netip.MustParseAddrPort("198.51.100.2:4000"), netip.MustParseAddrPort("203.0.113.2:443"), 1, 1, ack, 64, hello("blocked.example"))
	for inspect, want := range map[bool]Action{false: Accept, true: Drop} {
		b = newFragmentBox(t, func(p *rules.Profile) { p.Fragments.Inspect = inspect },
			"- {rule: names, when: {sni: blocked.example}, do: {drop: both}, source: {ref: choice}}\n")
		parts = fragmented(up, 3, 1, 64)
		b.send(parts[1])
		b.send(parts[0])
		out := b.send(parts[2])
		require.Len(t, out, 3)
		for _, v := range out {
			require.Equal(t, want, v.Action)
		}
	}
}

// twinSet is the queue for one packet as a person would do it: all bytes in a map, and a look at everything.
type twinSet struct {
	bytes map[int]bool
	count int
	end   int
	lost  bool
	ids   []uint32
}

func (s *twinSet) add(id uint32, from, to int, more bool, p *rules.Fragments) (verdicts map[uint32]Action) {
	verdicts = map[uint32]Action{}
	lose := func() {
		s.lost = true
		for _, held := range s.ids {
			verdicts[held] = Drop
		}
		s.ids, s.count = nil, 0
		verdicts[id] = Drop
	}
	if s.lost {
		verdicts[id] = Drop
		return verdicts
	}
	furthest := 0
	for b := range s.bytes {
		furthest = max(furthest, b+1)
	}
	if more && to%8 != 0 || s.end != 0 && (to > s.end || !more && to != s.end) || !more && furthest > to {
		lose()
		return verdicts
	}
	for b := from; b < to; b++ {
		if s.bytes[b] {
			if p.Discard {
				lose()
			} else {
				verdicts[id] = Drop
			}
			return verdicts
		}
	}
	if s.count == p.Max {
		lose()
		return verdicts
	}
	for b := from; b < to; b++ {
		s.bytes[b] = true
	}
	s.count++
	s.ids = append(s.ids, id)
	if !more {
		s.end = to
	}
	if s.end != 0 && len(s.bytes) == s.end {
		for _, held := range s.ids {
			verdicts[held] = Accept
		}
		*s = twinSet{bytes: map[int]bool{}}
	}
	return verdicts
}

// The queue does what the twin does, whatever comes.
func TestFragmentsTwin(t *testing.T) {
	d := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		max, discard := 1+d.IntN(6), d.IntN(2) == 0
		b := newFragmentBox(t, func(p *rules.Profile) {
			p.Fragments.Max, p.Fragments.Discard = max, discard
		}, nothing)
		limit := &rules.Fragments{Max: max, Discard: discard}
		twin := twinSet{bytes: map[int]bool{}}
		for range 12 {
			from := d.IntN(5) * 8
			to := from + 8*(1+d.IntN(3))
			more := d.IntN(4) != 0
			if !more || d.IntN(10) == 0 {
				to -= d.IntN(8)
			}
			if from == 0 && !more {
				continue // a whole packet
			}
			want := twin.add(b.ids+1, from, to, more, limit)
			got := map[uint32]Action{}
			for _, v := range b.send(fragment(datagram(false, nil), from, make([]byte, to-from), more, 7, 64)) {
				got[v.ID] = v.Action
			}
			require.Equal(t, want, got)
		}
	}
}

// FuzzFragments sends any fragments: each gets one verdict in the end, and the queue never holds more than it may.
func FuzzFragments(f *testing.F) {
	f.Add([]byte{0, 1, 1, 1, 9, 0, 2, 2, 2}, false, false)
	c := policyOf(f, nothing)
	c.Profile.Fragments.Hold, c.Profile.Fragments.Sets, c.Profile.Flows = true, 3, 64
	e := New(Options{Policy: c})
	now, id := time.Hour, uint32(0)
	f.Fuzz(func(t *testing.T, moves []byte, v6, inspect bool) {
		c.Profile.Fragments.Inspect = inspect
		open := map[uint32]bool{}
		seen := func(out []Verdict) {
			for _, v := range out {
				require.True(t, v.Action == Send || open[v.ID])
				delete(open, v.ID)
			}
		}
		for len(moves) >= 3 {
			id++
			now += time.Duration(moves[2]) * 10 * time.Millisecond
			open[id] = true
			data := fragment(datagram(v6, nil), int(moves[0])*8, make([]byte, moves[1]), moves[2]&1 == 0, uint32(moves[2]>>5), moves[2])
			seen(e.Handle(now, Packet{ID: id, Dir: rules.Up, Data: data}, nil))
			require.LessOrEqual(t, len(e.fragments.sets), 3)
			require.LessOrEqual(t, len(e.fragments.queue), 6)
			moves = moves[3:]
		}
		now += time.Minute
		seen(e.Advance(now, nil))
		require.Empty(t, open)
		require.Empty(t, e.fragments.sets)
	})
}

// What is given up is dropped, each packet once, and not remembered.
func TestFragmentsAreGivenUp(t *testing.T) {
	b := newFragmentBox(t, func(*rules.Profile) {}, nothing)
	one, two := fragmented(datagram(false, make([]byte, 100)), 3, 1, 64), fragmented(datagram(true, make([]byte, 100)), 3, 2, 64)
	require.Empty(t, b.send(one[0]))
	require.Empty(t, b.send(two[0]))
	require.Empty(t, b.send(one[1]))
	var ids []uint32
	for _, v := range b.engine.Abandon(nil) {
		require.Equal(t, Drop, v.Action)
		ids = append(ids, v.ID)
	}
	require.ElementsMatch(t, []uint32{1, 2, 3}, ids)
	require.Empty(t, b.engine.Abandon(nil))
	require.Empty(t, b.wait(time.Minute))
	require.Empty(t, b.send(one[2]), "it waits for the others, which are gone")
	require.Empty(t, b.send(one[0]))
	require.Len(t, b.send(one[1]), 3)
}
