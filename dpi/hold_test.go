package dpi

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/rules"
)

// A residual block of a pair covers what opens between the two addresses, one of a server what anyone opens to it; neither lasts longer.
func TestResidualOfPairAndServer(t *testing.T) {
	for _, hold := range []rules.Hold{rules.HoldFlow, rules.HoldPair, rules.HoldServer} {
		do := rules.Do{Mechanism: rules.MechanismDrop, Residual: 75 * time.Second, Hold: hold}
		w := wireOf(t, doing(t, "sni: blocked.example", do)).connect()
		before := *w.connect()
		w.connect()
		require.Equal(t, Drop, w.up(hello("blocked.example")))
		w.wait(74 * time.Second)
		opens := func(client, server string) bool {
			x := *w
			x.client, x.server = netip.MustParseAddrPort(client), netip.MustParseAddrPort(server)
			return x.send(rules.Up, syn, nil).Action == Accept
		}
		require.Equal(t, hold == rules.HoldFlow, opens("198.51.100.2:999", "203.0.113.2:80"))
		require.Equal(t, hold != rules.HoldServer, opens("198.51.100.3:999", "203.0.113.2:443"))
		require.True(t, opens("198.51.100.2:999", "203.0.113.3:443"))
		before.now = w.now
		require.Equal(t, Accept, before.up(answer), "an open flow is let be")
		w.wait(2 * time.Second)
		require.True(t, opens("198.51.100.2:999", "203.0.113.2:80"), "it was held until the block ended, and no longer")
		require.True(t, opens("198.51.100.3:999", "203.0.113.2:443"))
	}
}

// Refreshed, it lasts from the last packet of any flow that it covers.
func TestRefreshedHold(t *testing.T) {
	do := rules.Do{Mechanism: rules.MechanismDrop, Direction: rules.Up, Residual: time.Minute, Refresh: true, Hold: rules.HoldPair}
	w := wireOf(t, doing(t, "sni: blocked.example", do)).connect()
	require.Equal(t, Drop, w.up(hello("blocked.example")))
	first := *w
	w.flow()
	for range 5 {
		w.wait(50 * time.Second)
		require.Equal(t, Drop, w.up(nil))
	}
	first.now = w.now
	require.Equal(t, Drop, first.up(answer), "forgotten by now, and held by the other")
	w.wait(61 * time.Second)
	require.Equal(t, Accept, w.up(nil))
}

// Of two rules that hold a server the one that lasts longer does.
func TestLongerHoldWins(t *testing.T) {
	long := rules.Do{Mechanism: rules.MechanismDrop, Residual: time.Minute, Hold: rules.HoldServer}
	short := long
	short.Residual = time.Second
	a, b := doing(t, "sni: blocked.example", long), doing(t, "sni: blocked.example", short)
	for _, policies := range [][2]*rules.Compiled{{a, b}, {b, a}} {
		w := wireOf(t, policies[0])
		other := wireOf(t, policies[1])
		other.engine = New(Options{Policy: policies[1], Shared: w.engine.shared})
		w.connect()
		other.flow().connect()
		require.Equal(t, Drop, w.up(hello("blocked.example")))
		require.Equal(t, Drop, other.up(hello("blocked.example")))
		w.wait(30 * time.Second)
		require.Equal(t, Drop, w.flow().send(rules.Up, syn, nil).Action)
	}
}

// A full register takes nothing new, forgets what nobody needs, and the flows that it has no room for have their own.
func TestRegisterIsBounded(t *testing.T) {
	var r register
	now := time.Hour
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range maxShared {
		require.NotNil(t, r.take(who{rule: int32(i)}, now))
	}
	require.Nil(t, r.take(who{rule: -1}, now))
	r.m[who{rule: 7}].users.Add(-1)
	tries := 1
	for r.take(who{rule: -1}, now) == nil {
		tries++
	}
	require.LessOrEqual(t, tries, maxShared/sweepBudget, "the one that is not needed is met within a round")
	for range maxShared / sweepBudget {
		require.Nil(t, r.take(who{rule: -2}, now))
	}
	require.EqualValues(t, maxShared, r.n.Load())
}

// What flows have in common is let go with the last of them.
func TestEntriesAreLetGo(t *testing.T) {
	do := rules.Do{Mechanism: rules.MechanismPolice, Rate: 1000, Burst: 1500, Subscriber: true}
	w := wireOf(t, doing(t, "to: 203.0.113.0/24", do))
	for range 5 {
		w.flow().send(rules.Up, syn, nil)
	}
	var x *entry
	for _, x = range w.engine.shared.subscribers.m {
		require.EqualValues(t, 5, x.users.Load())
	}
	for range 700 {
		w.wait(time.Second)
		w.engine.Advance(w.now, nil)
	}
	require.Zero(t, x.users.Load())
	require.True(t, x.idle(w.now))
}
