package dpi

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

func named(t *testing.T, change func(*rules.Profile)) *wire {
	return reads(t, change, blocks(rules.Condition{SNI: []string{"blocked.example"}})).flow()
}

// B35 (IMC22 Fig. 7, P): no sequence that begins with a packet from outside is acted on, and a SYN from outside within one that was
// clears it. With the switches off all of them are.
func TestRoles(t *testing.T) {
	const up, down = rules.Up, rules.Down
	type step struct {
		dir   rules.Direction
		flags uint8
	}
	for name, c := range map[string]struct {
		steps         []step
		want, ignored Action
	}{
		"O001: opened from inside":      {[]step{{up, syn}, {down, syn | ack}, {up, ack}}, Drop, Drop},
		"O002: opened from outside":     {[]step{{down, syn}, {up, syn | ack}, {down, ack}}, Accept, Accept},
		"O004: role reversal":           {[]step{{down, syn}, {up, syn}, {down, syn | ack}, {up, syn | ack}}, Accept, Drop},
		"the inside's SYN once more":    {[]step{{down, syn}, {up, syn}, {up, syn}, {down, syn | ack}, {up, ack}}, Accept, Drop},
		"O089: split handshake":         {[]step{{up, syn}, {down, syn}, {up, syn | ack}, {down, ack}}, Accept, Drop},
		"a SYN from outside, later":     {[]step{{up, syn}, {down, syn | ack}, {up, ack}, {down, syn}}, Accept, Drop},
		"both send a SYN again":         {[]step{{up, syn}, {up, syn}, {down, syn | ack}, {down, syn | ack}, {up, ack}}, Drop, Drop},
		"the outside's, and then anew":  {[]step{{down, syn}, {up, syn | ack}, {down, ack}, {up, syn}, {down, syn | ack}, {up, ack}}, Drop, Drop},
		"the outside's data come first": {[]step{{down, ack}, {up, ack}}, Accept, Accept},
	} {
		for clears, want := range map[bool]Action{true: c.want, false: c.ignored} {
			w := named(t, func(p *rules.Profile) { p.RemoteSYN = clears })
			for _, s := range c.steps {
				require.Equal(t, Accept, w.send(s.dir, s.flags, nil).Action)
			}
			require.Equal(t, want, w.up(hello("blocked.example")), "%s, clears %v", name, clears)
		}
	}
	// O005 (IMC21): with any originator, what the outside opened is acted on.
	w := named(t, func(p *rules.Profile) { p.Originator = false })
	w.send(down, syn, nil)
	w.send(up, syn|ack, nil)
	require.Equal(t, Drop, w.up(hello("blocked.example")))
}

// A SYN that is sent again is of the same flow: its chance is drawn once.
func TestSYNAgainDrawsNothing(t *testing.T) {
	w := named(t, nil)
	for range 5 {
		w.tcp(rules.Up, syn, 1000, nil)
	}
	require.EqualValues(t, 1, w.engine.Stats().Opened)
	w.tcp(rules.Up, syn, 77777, nil)
	w.seq[0] = 77778
	require.Equal(t, Drop, w.up(hello("blocked.example")), "read from the last SYN on")
}

// A SYN that no server takes clears nothing for a box that does not fall for it.
func TestUnsoundSYN(t *testing.T) {
	for fooled, want := range map[bool]Action{true: Accept, false: Drop} {
		w := named(t, func(p *rules.Profile) { p.Fooled.Checksum = fooled })
		w.send(rules.Up, syn, nil)
		w.fake(rules.Down, segment{flags: syn, broken: true})
		require.Equal(t, want, w.up(hello("blocked.example")))
	}
}

// O021, O225 (TDOC, D).
func TestMidStream(t *testing.T) {
	for mid, want := range map[rules.MidStream]Action{rules.MidStreamOpens: Drop, rules.MidStreamPasses: Accept, rules.MidStreamDrops: Drop} {
		w := named(t, func(p *rules.Profile) { p.MidStream = mid })
		require.Equal(t, mid == rules.MidStreamDrops, w.up(nil) == Drop)
		require.Equal(t, want, w.up(hello("blocked.example")))
		require.Equal(t, Accept, w.connect().up(hello("allowed.example")), "one that is seen from its SYN on")
		require.Equal(t, Drop, w.connect().up(hello("blocked.example")))
		require.Equal(t, Accept, w.udp(rules.Up, []byte("no TCP")).Action)
	}
	w := named(t, func(p *rules.Profile) { p.MidStream = rules.MidStreamDrops })
	require.Equal(t, Drop, w.up(answer))
	require.Equal(t, Drop, w.down(answer))
	require.Equal(t, Accept, w.send(rules.Up, syn, nil).Action, "a SYN makes it a flow")
	require.Equal(t, Accept, w.down(answer))

	// The kernel forgets flows when the engine has: it gets none that would then be met in its middle, and dropped.
	for mid, want := range map[rules.MidStream]Offload{rules.MidStreamPasses: OffloadPass, rules.MidStreamDrops: OffloadNone} {
		for _, rule := range []rules.Rule{blocks(rules.Condition{SNI: []string{"blocked.example"}}),
			{Name: "let", When: rules.Condition{SNI: []string{"any.example"}}, Do: rules.Do{Mechanism: rules.MechanismPass}}} {
			w = reads(t, func(p *rules.Profile) { p.MidStream, p.Inspect = mid, rules.Range{Min: 1, Max: 1} }, rule).connect()
			require.Equal(t, want, w.send(rules.Up, ack, hello("any.example")).Offload)
		}
	}
}

// What an earlier flow left behind holds those that are met in their middle too.
func TestMidStreamUnderHold(t *testing.T) {
	rule := blocks(rules.Condition{SNI: []string{"blocked.example"}})
	rule.Do.Residual, rule.Do.Hold = time.Minute, rules.HoldPair
	w := reads(t, func(p *rules.Profile) { p.MidStream = rules.MidStreamPasses }, rule).connect()
	require.Equal(t, Drop, w.up(hello("blocked.example")))
	require.Equal(t, Drop, w.flow().up(answer))
}

// Times by state (MEM), seen by what is forgotten.
func TestStateTimes(t *testing.T) {
	times := func(p *rules.Profile) {
		p.Originator = false // or one from outside would be let be at once
		p.SYNSent, p.SYNReceived, p.TCPIdle, p.Closed = 60*time.Second, 105*time.Second, 480*time.Second, 10*time.Second
	}
	handshake := func(w *wire) {
		w.send(rules.Up, syn, nil)
		w.send(rules.Down, syn|ack, nil)
		w.send(rules.Up, ack, nil)
	}
	for name, c := range map[string]struct {
		steps func(*wire)
		want  time.Duration
	}{
		"SYN":           {func(w *wire) { w.send(rules.Up, syn, nil) }, 60 * time.Second},
		"two SYNs":      {func(w *wire) { w.tcp(rules.Up, syn, 1, nil); w.tcp(rules.Up, syn, 1, nil) }, 60 * time.Second},
		"SYN/ACK":       {func(w *wire) { w.send(rules.Up, syn, nil); w.send(rules.Down, syn|ack, nil) }, 105 * time.Second},
		"from outside":  {func(w *wire) { w.send(rules.Down, syn, nil); w.send(rules.Up, syn|ack, nil) }, 105 * time.Second},
		"open":          {handshake, 480 * time.Second},
		"met later":     {func(w *wire) { w.up(nil) }, 480 * time.Second},
		"FIN":           {func(w *wire) { handshake(w); w.send(rules.Up, fin|ack, nil) }, 10 * time.Second},
		"data after it": {func(w *wire) { handshake(w); w.send(rules.Up, fin|ack, nil); w.down(answer) }, 10 * time.Second},
		"RST":           {func(w *wire) { handshake(w); w.send(rules.Down, rst|ack, nil) }, 10 * time.Second},
		"refused":       {func(w *wire) { w.send(rules.Up, syn, nil); w.send(rules.Down, rst|ack, nil) }, 10 * time.Second},
		"and anew":      {func(w *wire) { handshake(w); w.send(rules.Down, rst|ack, nil); handshake(w) }, 480 * time.Second},
	} {
		w := named(t, times)
		c.steps(w)
		k := key{inside: addressOf(packetAddr(w.client)), outside: addressOf(packetAddr(w.server)), insidePort: w.client.Port(), outsidePort: 443, transport: packet.TCP}
		require.Equal(t, c.want, w.engine.flows.at(w.engine.flows.find(&k, w.engine.flows.hash(&k))).expires-w.now, name)
	}
}

func packetAddr(a netip.AddrPort) [16]byte { return a.Addr().As16() }

// IMC21 (P): neither FIN nor RST clears, as the default is; a residual block outlives both even where they do, and all half-open times.
func TestClosed(t *testing.T) {
	w := named(t, nil)
	require.Equal(t, Drop, w.connect().up(hello("blocked.example")))
	w.send(rules.Up, rst|ack, nil)
	require.Equal(t, Drop, w.wait(9*time.Minute).up(nil))

	w = named(t, func(p *rules.Profile) { p.Closed = time.Second })
	require.Equal(t, Drop, w.connect().up(hello("blocked.example")))
	w.send(rules.Down, fin|ack, nil)
	require.Equal(t, Accept, w.wait(2*time.Second).up(nil))

	rule := blocks(rules.Condition{SNI: []string{"blocked.example"}})
	rule.Do.Residual = 90 * time.Second
	w = reads(t, func(p *rules.Profile) { p.Closed = time.Second }, rule).connect()
	require.Equal(t, Drop, w.up(hello("blocked.example")))
	w.send(rules.Up, rst, nil)
	require.Equal(t, Drop, w.wait(80*time.Second).send(rules.Up, syn, nil).Action)
	require.Equal(t, Accept, w.wait(11*time.Second).send(rules.Up, syn, nil).Action)
}

// The kernel is not given a flow after its end: the engine must see whether it goes on.
func TestClosedIsNotOffloaded(t *testing.T) {
	for closed, want := range map[time.Duration]Offload{0: OffloadPass, 10 * time.Second: OffloadNone} {
		w := named(t, func(p *rules.Profile) { p.Closed = closed }).connect()
		require.Equal(t, OffloadPass, w.send(rules.Up, ack, append([]byte{0x99}, make([]byte, 200)...)).Offload, "opens nothing known")
		require.Equal(t, want, w.send(rules.Up, fin|ack, nil).Offload)
		require.Equal(t, want, w.send(rules.Down, ack, answer).Offload)
	}
}

// A RST that no server takes closes nothing for a box that does not fall for it.
func TestClosedByFakes(t *testing.T) {
	for fooled, want := range map[bool]tcpState{true: tcpClosed, false: tcpOpen} {
		w := named(t, func(p *rules.Profile) { p.Closed, p.Fooled.Sequence = time.Second, fooled }).connect()
		w.fake(rules.Up, segment{flags: rst, shift: -10000})
		require.Equal(t, want, w.engine.flows.at(1).state)
	}
}

// Packets of the other direction pass untouched: they open nothing, are not read, count for nothing and are not dropped.
func TestSees(t *testing.T) {
	w := named(t, func(p *rules.Profile) { p.Sees = rules.Up })
	require.Equal(t, Accept, w.send(rules.Down, syn, nil).Action)
	require.Zero(t, w.engine.Stats().Opened)
	require.Equal(t, Accept, w.connect().down(hello("blocked.example")))
	require.Equal(t, Drop, w.up(hello("blocked.example")))
	require.Equal(t, Accept, w.down(answer))
	require.Equal(t, Accept, w.handle(rules.Down, []byte("no packet")).Action)
	require.Zero(t, w.engine.Stats().Malformed)

	w = named(t, func(p *rules.Profile) { p.Sees = rules.Down })
	require.Equal(t, Accept, w.connect().up(hello("blocked.example")))
	require.Equal(t, Drop, w.down(hello("blocked.example")), "O006, on a flow that the SYN/ACK says was opened from inside")
	require.Equal(t, Accept, w.up(answer))

	// A new policy may say that the other direction is seen from now on.
	seesAll := reads(t, nil, blocks(rules.Condition{To: []string{"203.0.113.0/24"}}))
	w.engine.SetPolicy(seesAll.engine.wanted.Load())
	require.Equal(t, Drop, w.flow().up(answer))
}

// Adding up statistics leaves no counter out.
func TestStatsAdd(t *testing.T) {
	var one, sum Stats
	for i := range reflect.TypeFor[Stats]().NumField() {
		switch f := reflect.ValueOf(&one).Elem().Field(i); f.Kind() {
		case reflect.Uint64:
			f.SetUint(uint64(i + 1))
		default:
			f.SetInt(int64(i + 1))
		}
	}
	sum.Add(one)
	require.Equal(t, one, sum)
}
