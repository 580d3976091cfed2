package dpi

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

const passAll = "- {rule: none, when: {to: 198.51.100.99}, do: {drop: both}, source: {ref: choice}}\n"

// The table against its slow twin, a Go map, over random opens and the passing of time.
func TestTableAgainstTwin(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	tab := newTable(3000, 99)
	twin := map[key]time.Duration{}
	now := time.Hour
	for range 60_000 {
		now += time.Duration(r.IntN(20)) * time.Millisecond
		k := key{insidePort: uint16(r.IntN(5000)), transport: 6}
		h := tab.hash(&k)
		i := tab.find(&k, h)
		until, ok := twin[k]
		require.Equal(t, ok, i != none)
		if ok {
			require.Equal(t, until, tab.at(i).expires)
			if r.IntN(4) == 0 {
				tab.at(i).expires += time.Minute
				twin[k] += time.Minute
			}
		} else if tab.open(&k, h, now+time.Duration(r.IntN(2000))*time.Second) != none {
			twin[k] = tab.at(tab.find(&k, h)).expires
		} else {
			require.Equal(t, 3000, len(twin))
		}
		tab.expire(now, 50, func(f *flow) {
			require.LessOrEqual(t, twin[f.key], now)
			delete(twin, f.key)
		})
		require.Equal(t, len(twin), tab.used)
	}
	// A jump of days empties it.
	for range 1000 {
		tab.expire(now+100*time.Hour, 50, func(f *flow) { delete(twin, f.key) })
	}
	require.Empty(t, twin)
	require.Zero(t, tab.used)
}

// No state outlives its time, and a full table lets packets pass unseen.
func TestFullTable(t *testing.T) {
	w := newWire(t, "profile: {flows: 100}\n---\n"+sni4)
	for range 150 {
		w.flow().send(rules.Up, syn, nil)
	}
	s := w.engine.Stats()
	require.EqualValues(t, 50, s.Unseen)
	require.Equal(t, 100, s.Open)
	closed := newWire(t, "profile: {flows: 1, fail: closed}\n---\n"+sni4)
	require.Equal(t, Accept, closed.flow().send(rules.Up, syn, nil).Action)
	require.Equal(t, Drop, closed.flow().send(rules.Up, syn, nil).Action)
	w.wait(601 * time.Second)
	w.engine.Advance(w.now, nil)
	require.Zero(t, w.engine.Stats().Open)
	require.Equal(t, Drop, w.connect().up(hello("blocked.example")))
}

// Whatever comes, the engine answers each packet, at once or when the time of a set of fragments is over, and holds to its tables.
func FuzzEngine(f *testing.F) {
	f.Add([]byte("seed"), true, 0)
	src, dst := netip.MustParseAddrPort("198.51.100.2:4000"), netip.MustParseAddrPort("203.0.113.2:443")
	f.Add(packet.AppendTCP(nil, src, dst, 1, 1, ack, 64, hello("blocked.example")), true, 0)
	f.Add(packet.AppendUDP(nil, src, dst, 64, []byte{0xc0, 0, 0, 0, 1, 8}), true, 40)
	for i, s := 0, (soup{rand.New(rand.NewPCG(1, 2))}); i < 64; i++ {
		dir, data := s.packet()
		f.Add(data[:s.r.IntN(len(data)+1)], dir == rules.Up, len(data))
	}
	var boxes []*Engine
	for _, c := range soupPolicies(f) {
		boxes = append(boxes, New(Options{Policy: c}))
	}
	boxes = append(boxes, New(Options{Policy: policyOf(f, "profile: {flows: 40, reassembly: {tcp: true, records: true}}\n---\n"+sni1+
		"- {rule: slow, when: {protocol: [stun, dns, whatsapp]}, do: {police: 140kbit, burst: 16KB}, source: {ref: choice}}\n")}))
	now, id := time.Hour, uint32(0)
	f.Fuzz(func(t *testing.T, data []byte, up bool, length int) {
		now += time.Millisecond
		id++
		dir := rules.Down
		if up {
			dir = rules.Up
		}
		for _, e := range boxes {
			profile := &e.policies[e.current].compiled.Profile
			out := e.Handle(now, Packet{ID: id, Dir: dir, Data: append([]byte(nil), data...), Length: length}, nil)
			// Once more, as a duplicate; then the time of what is held passes.
			out = append(out, e.Handle(now, Packet{ID: id, Dir: dir, Data: append([]byte(nil), data...), Length: length}, nil)...)
			out = e.Advance(now+profile.Fragments.Timeout, out)
			answers := 0
			for _, v := range out {
				if v.Action != Send {
					require.Equal(t, id, v.ID)
					answers++
				}
			}
			require.Equal(t, 2, answers)
			requireBounded(t, e, profile, "")
		}
		now += 6 * time.Second
	})
}

func clientIn(t testing.TB, data [][]byte) netip.AddrPort { return endOf(t, data, true) }
func serverIn(t testing.TB, data [][]byte) netip.AddrPort { return endOf(t, data, false) }

func endOf(t testing.TB, data [][]byte, client bool) netip.AddrPort {
	var p packet.Packet
	for _, d := range data {
		if p.Decode(d) == nil && p.Protocol == packet.UDP {
			src := netip.AddrPortFrom(packet.AddrOf(p.Src), p.SrcPort)
			dst := netip.AddrPortFrom(packet.AddrOf(p.Dst), p.DstPort)
			if (src.Addr().String() == "198.51.100.2") == client {
				return src
			}
			return dst
		}
	}
	t.Fatal("no UDP in the capture")
	return netip.AddrPort{}
}

// However often the wheel turns, flows that open one after the other are neighbours in memory, but for a few in each turn.
func TestFlowsKeepTheirOrder(t *testing.T) {
	tab, now, breaks, last := newTable(10_000, 99), time.Hour, 0, uint32(0)
	const turns = 50
	for n := range turns * 6000 {
		now += 10 * time.Millisecond
		tab.expire(now, expiryBudget, func(*flow) {})
		k := key{insidePort: uint16(n), outsidePort: uint16(n >> 16), transport: 6}
		i := tab.open(&k, tab.hash(&k), now+time.Minute)
		if i != last+1 {
			breaks++
		}
		last = i
	}
	require.Greater(t, tab.used, 5900)
	require.Less(t, breaks, 5*turns)
}

// Whatever opens and ends while the index grows, each flow that is open is found, and no other. Time does not pass, and flows are closed
// that no slot of the wheel may have.
func TestIndexGrows(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	tab := newTable(1_000_000, 99)
	keyAt := func(n int) *key { return &key{insidePort: uint16(n), outsidePort: uint16(n >> 16), transport: 6} }
	open, growing := map[int]bool{}, 0
	for n := range 150_000 {
		k := keyAt(n)
		require.NotEqual(t, uint32(none), tab.open(k, tab.hash(k), time.Hour))
		clear(tab.wheel.head[:])
		open[n] = true
		if tab.former != nil {
			growing++
		}
		for range 1 + r.IntN(2) {
			k := keyAt(r.IntN(n + 1))
			i := tab.find(k, tab.hash(k))
			if x := int(k.outsidePort)<<16 | int(k.insidePort); i != none && r.IntN(5) == 0 {
				require.Equal(t, *k, tab.at(i).key)
				tab.close(i)
				delete(open, x)
			} else {
				require.Equal(t, open[x], i != none)
			}
		}
	}
	require.Equal(t, len(open), tab.used)
	require.Greater(t, growing, 10_000)
	for n := range 150_000 {
		k := keyAt(n)
		if i := tab.find(k, tab.hash(k)); open[n] != (i != none) {
			t.Fatalf("flow %d: open %v, found as %d", n, open[n], i)
		}
	}
}
