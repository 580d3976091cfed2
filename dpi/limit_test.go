package dpi

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/rules"
)

var siberian = rules.Do{
	Mechanism: rules.MechanismLimit, Limit: 3, Keys: rules.LimitClient | rules.LimitServer24 | rules.LimitSNI, Window: time.Minute, Ban: 2 * time.Minute,
}

// B21 (HABR 1044396): the fourth connection with a name within a minute silences all of them for two, the earlier ones as well; another
// name, none, another network or client is not touched.
func TestLimit(t *testing.T) {
	w := wireOf(t, doing(t, "protocol: tls", siberian))
	var open []*wire
	connect := func(name string) *wire {
		w.connect()
		x := *w
		require.Equal(t, OffloadNone, x.send(rules.Up, ack, hello(name)).Offload)
		return &x
	}
	for range 3 {
		w.wait(400 * time.Millisecond)
		open = append(open, connect("proxy.example"))
		require.Equal(t, Accept, open[0].down(answer))
	}
	other := connect("other.example")
	w.server = netip.MustParseAddrPort("203.0.113.200:443") // of the same /24
	w.connect()
	v := w.send(rules.Up, ack, hello("proxy.example"))
	require.Equal(t, Drop, v.Action)
	require.Equal(t, OffloadDrop, v.Offload)
	require.Equal(t, 1, w.kinds(EventBan))
	for _, x := range open {
		require.Equal(t, Drop, x.up(answer))
		require.Equal(t, Drop, x.down(nil))
	}
	require.Equal(t, Accept, other.up(answer))
	alone := connect("proxy2.example")
	require.Equal(t, Accept, alone.up(answer), "a new name starts anew")
	w.wait(time.Minute).connect()
	require.Equal(t, Drop, w.up(hello("proxy.example")), "a flow of the time of the ban does not make it longer")
	w.wait(time.Minute + time.Second)
	for _, x := range open {
		x.now = w.now
		require.Equal(t, Accept, x.down(answer), "the ban is over for those that are still there")
	}
	require.Equal(t, Accept, w.connect().up(hello("proxy.example")))

	for _, name := range []string{"203.0.113.2", "203.0.114.2"} {
		w.server = netip.AddrPortFrom(netip.MustParseAddr(name), 443)
	}
	require.Equal(t, Accept, w.connect().up(hello("proxy.example")))
	w.client = netip.MustParseAddrPort("198.51.100.99:5000")
	require.Equal(t, Accept, w.connect().up(hello("proxy.example")))
}

// B21: an empty SNI does not count, and neither does a flow without a fingerprint where that is asked for.
func TestLimitWithoutKey(t *testing.T) {
	for _, do := range []rules.Do{siberian, {Mechanism: rules.MechanismLimit, Limit: 1, Keys: rules.LimitJA4, Window: time.Minute, Ban: time.Minute}} {
		w := wireOf(t, doing(t, "protocol: [tls, stun]", do))
		stun := append([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}, make([]byte, 12)...)
		for range 10 {
			w.flow()
			require.Equal(t, Accept, w.udp(rules.Up, stun).Action)
			require.Equal(t, OffloadPass, w.udp(rules.Up, stun).Offload)
		}
	}
}

// B21: the same fingerprint counts, whatever the name, and another one does not.
func TestLimitByFingerprint(t *testing.T) {
	do := rules.Do{Mechanism: rules.MechanismLimit, Limit: 1, Keys: rules.LimitJA4, Window: time.Minute, Ban: time.Minute}
	w := wireOf(t, doing(t, "protocol: tls", do))
	require.Equal(t, Accept, w.connect().up(hello("a.example")))
	require.Equal(t, Accept, w.up(answer))
	other := hello("b.example")
	other[9+2+32+1+2+1] ^= 1 // its only cipher suite
	require.Equal(t, Accept, w.connect().up(other))
	require.Equal(t, Drop, w.connect().up(hello("c.example")))
}

// A limit hides no rule behind it: what is let be is left to that, and counts nevertheless (choice: both mechanisms are there, and neither
// source says that one spares the other's flows).
func TestLimitLeavesFlowsToRulesBehind(t *testing.T) {
	p, err := rules.Parse("test.yaml", []byte(`
policy: test
date: 2026-01-01
about: test
rules:
  - rule: rate
    when: {protocol: tls}
    do: {limit: 2 flows, per: [client, sni], window: 60s, ban: 120s}
    source: {ref: choice}
  - rule: frozen
    when: {to: 203.0.113.0/24, protocol: tls}
    do: {freeze: both, after: 2 payload packets}
    source: {ref: choice}
`), nil)
	require.NoError(t, err)
	c, err := p.Compile()
	require.NoError(t, err)
	w := wireOf(t, c)
	hits := func() (all []string) {
		for _, e := range w.events {
			if e.Kind == EventHit {
				all = append(all, e.Rule.Name)
			}
		}
		return all
	}
	require.Equal(t, Accept, w.connect().up(hello("a.example")))
	require.Equal(t, Accept, w.down(answer))
	require.Equal(t, Drop, w.down(answer), "frozen")
	frozen := *w.connect()
	require.Equal(t, Accept, frozen.up(hello("a.example")))
	require.Equal(t, []string{"frozen", "frozen"}, hits())
	require.Equal(t, Drop, w.connect().up(hello("a.example")), "one too many")
	require.Equal(t, Drop, w.connect().up(hello("a.example")), "and another")
	require.Equal(t, []string{"frozen", "frozen", "rate", "rate"}, hits())
	require.Equal(t, 1, w.kinds(EventBan))
	frozen.now = w.now
	require.Equal(t, Accept, frozen.down(answer), "the ban is not for what another rule has taken")

	w.server = netip.MustParseAddrPort("198.51.100.1:443")
	require.Equal(t, Accept, w.connect().up(hello("b.example")))
	require.Equal(t, "rate", hits()[4], "no rule behind takes it")
}

// A rule that needs more than the hello counts by the hello nevertheless.
func TestLimitThatIsDecidedLater(t *testing.T) {
	w := wireOf(t, doing(t, "protocol: tls", siberian))
	e := w.engine
	f := &flow{facts: facts{Hello: rules.HelloNamed}}
	e.name = []byte("proxy.example")
	e.noteNames(f)
	e.name = nil
	e.limit(f, &siberian)
	require.NotNil(t, e.ledger(f).entry)
	f = &flow{facts: facts{Hello: rules.HelloUnnamed}}
	e.limit(f, &siberian)
	require.Nil(t, e.ledger(f))
}

// Engines of one box count together.
func TestLimitOfManyEngines(t *testing.T) {
	do := siberian
	do.Keys = rules.LimitClient
	c := doing(t, "to: 203.0.113.0/24", do)
	a, b := wireOf(t, c), wireOf(t, c)
	b.engine = New(Options{Policy: c, Shared: a.engine.shared, Worker: 1})
	for range 3 {
		require.Equal(t, Accept, a.flow().send(rules.Up, syn, nil).Action)
	}
	b.client = netip.AddrPortFrom(b.client.Addr(), 100)
	require.Equal(t, Drop, b.flow().send(rules.Up, syn, nil).Action)
	require.Equal(t, Drop, a.up(answer))
}

// The count against its twin, which keeps every time.
func TestLimitAgainstTwin(t *testing.T) {
	for limit := range 14 {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, uint64(limit)))
			do := rules.Do{Mechanism: rules.MechanismLimit, Limit: limit, Keys: rules.LimitClient, Window: time.Minute, Ban: time.Duration(20+r.IntN(100)) * time.Second}
			w := wireOf(t, doing(t, "to: 203.0.113.0/24", do))
			var counted []time.Duration
			banned := time.Duration(0)
			for range 2000 {
				w.wait(time.Duration(r.IntN(20_000)) * time.Millisecond)
				recent := 0
				for _, at := range counted {
					if at > w.now-do.Window {
						recent++
					}
				}
				want := Accept
				switch {
				case w.now < banned:
					want = Drop
				case recent >= limit:
					banned, want = w.now+do.Ban, Drop
				default:
					counted = append(counted, w.now)
				}
				require.Equal(t, want, w.flow().send(rules.Up, syn, nil).Action)
			}
		})
	}
}
