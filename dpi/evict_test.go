package dpi

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/rules"
)

// What becomes of packets of more flows than a box remembers is the profile's choice.
func TestFullChoices(t *testing.T) {
	for profile, want := range map[string]struct {
		action          Action
		unseen, evicted uint64
	}{
		"":                             {Accept, 1, 0},
		", fail: closed":               {Drop, 1, 0},
		", full: passes":               {Accept, 1, 0},
		", full: passes, fail: closed": {Accept, 1, 0},
		", full: drops":                {Drop, 1, 0},
		", full: evicts":               {Accept, 0, 1},
		", full: evicts, fail: closed": {Accept, 0, 1},
	} {
		w := newWire(t, "profile: {flows: 1"+profile+"}\n---\n"+sni4)
		require.Equal(t, Accept, w.flow().send(rules.Up, syn, nil).Action)
		require.Equal(t, want.action, w.flow().send(rules.Up, syn, nil).Action, profile)
		s := w.engine.Stats()
		require.Equal(t, want.unseen, s.Unseen, profile)
		require.Equal(t, want.evicted, s.Evicted, profile)
		require.Equal(t, 1, s.Open, profile)
	}
}

// Half-open flows give way before one that goes on, flows that a rule hit after all others, and the last one when there is no other.
func TestWhoGivesWay(t *testing.T) {
	w := newWire(t, "profile: {flows: 100, full: evicts}\n---\n"+sni4)
	require.Equal(t, Drop, w.connect().up(hello("blocked.example")))
	blocked := w.client
	require.Equal(t, Accept, w.connect().up(hello("allowed.example")))
	allowed := w.client
	for range 5000 {
		require.Equal(t, Accept, w.flow().send(rules.Up, syn, nil).Action)
		w.wait(time.Millisecond)
	}
	require.Equal(t, 100, w.engine.Stats().Open)
	require.EqualValues(t, 4902, w.engine.Stats().Evicted)
	for client, want := range map[uint16]Action{blocked.Port(): Drop, allowed.Port(): Accept} {
		k := key{inside: addressOf(packetAddr(w.client)), outside: addressOf(packetAddr(w.server)), insidePort: client, outsidePort: 443, transport: 6}
		require.NotZero(t, w.engine.flows.find(&k, w.engine.flows.hash(&k)), "still remembered")
		w.client = blocked
		if client == allowed.Port() {
			w.client = allowed
		}
		require.Equal(t, want, w.up(answer))
	}
	// Under a flood of nothing but blocked flows, blocked ones give way as well.
	for range 200 {
		require.Equal(t, Drop, w.connect().up(hello("blocked.example")))
	}
	require.Equal(t, 100, w.engine.Stats().Open)
}

// The one that gives way is the one that the slow twin finds: of those that no rule hit, the first to be forgotten, in whole seconds.
func TestSoonestAgainstTwin(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	tab := newTable(1000, 7)
	tab.wheel.cursor = 3600
	now, open := time.Hour, []uint32(nil)
	shut := func(i uint32) {
		at := slices.Index(open, i)
		require.GreaterOrEqual(t, at, 0, "it was open")
		open = slices.Delete(open, at, at+1)
		tab.close(i)
	}
	for n := range 8000 {
		if len(open) < 300 || r.IntN(3) > 0 && len(open) < 900 {
			k := key{insidePort: uint16(n), outsidePort: uint16(n >> 16), transport: 6}
			i := tab.open(&k, tab.hash(&k), now+time.Duration(1+r.IntN(600))*time.Second)
			tab.at(i).rule = noRule
			if r.IntN(10) == 0 {
				tab.at(i).rule = 1
			}
			open = append(open, i)
			continue
		}
		if f := tab.at(open[r.IntN(len(open))]); f.expires < now+900*time.Second { // some other goes on, within what the wheel tells apart
			f.expires += time.Duration(r.IntN(60)) * time.Second
		}
		want := int64(1 << 60)
		for _, i := range open {
			if tab.at(i).rule == noRule {
				want = min(want, second(tab.at(i).expires))
			}
		}
		i := tab.soonest(now, 1<<30)
		require.Equal(t, noRule, int(tab.at(i).rule))
		require.Equal(t, want, second(tab.at(i).expires))
		shut(i)
	}
	// However little is looked at, whatever gives way was open, and all are met in the end.
	for len(open) > 0 {
		shut(tab.soonest(now, 1+r.IntN(4)))
	}
	require.Equal(t, uint32(none), tab.soonest(now, 64))
	require.Zero(t, tab.used)
}
