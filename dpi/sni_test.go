package dpi

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

const (
	sni1 = "- {rule: sni1, when: {sni: blocked.example, protocol: tls}, do: {reset: server packet, residual: 75s}, source: {ref: 'IMC22*', confidence: P2}}\n"
	sni2 = "- {rule: sni2, when: {sni: blocked.example}, do: {drop: both, after: 5..8 packets, residual: 420s}, source: {ref: 'IMC22*', confidence: P2}}\n"
	sni4 = "- {rule: sni4, when: {sni: blocked.example}, do: {drop: both, residual: 40s}, source: {ref: 'IMC22*', confidence: P2}}\n"
	b43  = "- {rule: b43, when: {sni: blocked.example}, do: {drop: up, residual: 65s, refresh: true}, source: {ref: FOCI25-data, confidence: P}}\n"
)

// B01 (IMC22*): the hello passes, the server's packet comes out as an empty RST/ACK with its own seq and TTL.
func TestSNI1RewritesWhatTheServerSends(t *testing.T) {
	w := newWire(t, sni1).connect()
	require.Equal(t, Accept, w.up(hello("blocked.example")))
	seq := w.seq[1]
	v := w.send(rules.Down, ack, answer)
	require.Equal(t, Rewrite, v.Action)
	var p packet.Packet
	require.NoError(t, p.Decode(v.Data))
	require.Empty(t, p.Payload)
	require.EqualValues(t, rst|ack, p.Flags)
	require.Equal(t, seq, p.Seq)
	require.EqualValues(t, 58, p.TTL)
	require.True(t, p.ChecksumOK())

	require.Equal(t, Accept, w.up([]byte("more")), "what the client sends still passes")
	require.Equal(t, EventHit, w.events[0].Kind)
	require.Equal(t, "blocked.example", w.events[0].Name)
	require.Equal(t, "sni1", w.events[0].Rule.Name)
	require.EqualValues(t, 4, w.events[0].Packet)
}

// O018 to O020: the 5-tuple stays hit for 75, 420 and 40 seconds, whatever connects on it; a new port is clean.
func TestResidualTimes(t *testing.T) {
	for rule, residual := range map[string]time.Duration{sni1: 75 * time.Second, sni2: 420 * time.Second, sni4: 40 * time.Second} {
		w := newWire(t, rule).connect()
		w.up(hello("blocked.example"))
		for range 10 {
			w.down(answer)
		}
		w.wait(residual - time.Second)
		w.send(rules.Up, syn, nil)
		w.up(hello("allowed.example"))
		require.NotEqual(t, Accept, w.down(answer), "a second before its end, %s", rule)
		w.wait(2 * time.Second)
		require.Equal(t, Accept, w.send(rules.Up, syn, nil).Action)
		require.Equal(t, Accept, w.up(hello("allowed.example")))
		require.Equal(t, Accept, w.down(answer), "a second after its end, %s", rule)

		w.connect()
		require.Equal(t, Accept, w.up(hello("allowed.example")))
		require.Equal(t, Accept, w.down(answer), "a new port is clean")
	}
}

// B02 (IMC22*): 5 to 8 packets, both directions counted together, pass after the hello.
func TestSNI2PassesFiveToEightPackets(t *testing.T) {
	seen := map[int]bool{}
	w := newWire(t, sni2)
	for range 64 {
		w.connect()
		require.Equal(t, Accept, w.up(hello("blocked.example")))
		passed := 0
		for i := range 12 {
			send := w.up
			if i%2 == 0 {
				send = w.down
			}
			if send(answer) == Accept {
				passed++
			} else {
				require.Equal(t, Drop, w.down(answer))
				require.Equal(t, Drop, w.up(answer))
			}
		}
		seen[passed] = true
	}
	require.Equal(t, map[int]bool{5: true, 6: true, 7: true, 8: true}, seen)
}

// B04 (IMC22*, CAP26): the hello itself never arrives, and nothing comes back.
func TestSNI4DropsTheHello(t *testing.T) {
	w := newWire(t, sni4).connect()
	v := w.send(rules.Up, ack, hello("blocked.example"))
	require.Equal(t, Drop, v.Action)
	require.Equal(t, OffloadDrop, v.Offload)
	require.Equal(t, Drop, w.down(nil))
	w.wait(38 * time.Second)
	v = w.send(rules.Up, ack, answer)
	require.Equal(t, Drop, v.Action)
	require.Equal(t, OffloadNone, v.Offload, "the kernel's entry would outlive the residual block")
}

// B43 (FOCI25-data): only upwards, from the packet that completes the hello; each packet starts the 65 seconds again.
func TestUpOnlyDropFromTheCompletingPacket(t *testing.T) {
	w := newWire(t, "profile: {reassembly: {tcp: true}}\n---\n"+b43).connect()
	h := hello("blocked.example")
	require.Equal(t, Accept, w.up(h[:40]))
	require.Equal(t, Accept, w.up(h[40:70]))
	require.Equal(t, Drop, w.up(h[70:]))
	require.Equal(t, Accept, w.down(nil), "the server's FIN reaches the client")
	w.wait(60 * time.Second)
	require.Equal(t, Drop, w.tcp(rules.Up, ack, w.seq[0]-20, h[70:]).Action)
	w.wait(64 * time.Second)
	require.Equal(t, Drop, w.up(h))
	w.wait(66 * time.Second)
	require.Equal(t, Accept, w.up(answer))
}

// O002, B35 (IMC22 Fig. 7): nothing on a flow that the outside opened, and a SYN from outside clears the inside's.
func TestOnlyFlowsFromInside(t *testing.T) {
	w := newWire(t, sni4).flow()
	require.Equal(t, Accept, w.send(rules.Down, syn, nil).Action)
	require.Equal(t, Accept, w.send(rules.Up, syn|ack, nil).Action)
	require.Equal(t, Accept, w.up(hello("blocked.example")))

	w.flow()
	w.send(rules.Up, syn, nil)
	require.Equal(t, Accept, w.send(rules.Down, syn, nil).Action, "split handshake")
	require.Equal(t, Accept, w.up(hello("blocked.example")))
}

// O021 (TDOC): a flow that was picked up in its middle is looked at like any other.
func TestMidStreamPickUp(t *testing.T) {
	w := newWire(t, sni4).flow()
	require.Equal(t, Drop, w.up(hello("blocked.example")))
}

// B05 (IMC21): give-up and depth.
func TestHowLongItLooks(t *testing.T) {
	garbage := func(n int) []byte { return append([]byte{0x99}, make([]byte, n-1)...) }
	for _, c := range []struct {
		name  string
		first []byte
		want  Action
	}{
		{"O061: 101 unknown bytes end it", garbage(101), Accept},
		{"O062: 100 do not", garbage(100), Drop},
		{"one fake hello does not help", hello("allowed.example"), Drop},
		{"SOCKS keeps it looking", []byte{5, 1, 0}, Drop},
		{"CONNECT keeps it looking", []byte("CONNECT blocked.example:443 HTTP/1.1\r\nHost: blocked.example\r\n\r\n"), Drop},
		{"a plain request ends it (HTTP24)", []byte("GET / HTTP/1.1\r\nHost: allowed.example\r\n\r\n"), Accept},
	} {
		w := newWire(t, sni4).connect()
		w.up(c.first)
		require.Equal(t, c.want, w.up(hello("blocked.example")), c.name)
	}
	w := newWire(t, sni4).connect()
	require.Equal(t, Accept, w.up(append([]byte{20, 3, 3, 0, 1, 1}, hello("blocked.example")...)), "O063: behind another record")
	// O064, O065: after 14 packets that look like TLS still, after 21 no more.
	for n, want := range map[int]Action{14: Drop, 21: Accept} {
		w := newWire(t, sni4).connect()
		for range n {
			w.up([]byte{23, 3, 3, 0, 2, 1, 2})
		}
		require.Equal(t, want, w.up(hello("blocked.example")), n)
	}
}

// O006 (IMC21): a hello that the server sends counts as well.
func TestHelloFromTheServer(t *testing.T) {
	w := newWire(t, sni4).connect()
	require.Equal(t, Drop, w.down(hello("blocked.example")))
}

func TestFlowThatPassesIsOffloaded(t *testing.T) {
	w := newWire(t, sni4).connect()
	require.Equal(t, OffloadNone, w.send(rules.Up, ack, hello("allowed.example")).Offload, "a second hello may follow")
	for range 19 {
		w.send(rules.Down, ack, answer)
	}
	require.Equal(t, OffloadPass, w.send(rules.Down, ack, answer).Offload)

	w = newWire(t, "- {rule: a, when: {to: 198.51.100.99}, do: {drop: both}, source: {ref: choice}}\n").flow()
	require.Equal(t, OffloadNone, w.send(rules.Up, syn, nil).Offload, "half open")
	require.Equal(t, OffloadNone, w.send(rules.Down, syn|ack, nil).Offload)
	require.Equal(t, OffloadPass, w.send(rules.Up, ack, nil).Offload, "no rule reads payload")
}

// A further SYN on a flow that the kernel passed means the same as if the engine had seen all: a new connection, under the policy of now.
func TestSYNOnPassedFlow(t *testing.T) {
	const calm, wall = "- {rule: a, when: {to: 198.51.100.99}, do: {drop: both}, source: {ref: choice}}\n", "- {rule: a, when: {to: 203.0.113.2}, do: {drop: both}, source: {ref: choice}}\n"
	w := newWire(t, calm).flow()
	w.send(rules.Up, syn, nil)
	for _, x := range []struct {
		dir   rules.Direction
		flags uint8
	}{{rules.Down, syn | ack}, {rules.Up, ack}, {rules.Down, ack}} {
		if w.send(x.dir, x.flags, nil).Offload == OffloadPass {
			break // the engine sees no more
		}
	}
	w.engine.SetPolicy(policyOf(t, wall))
	require.Equal(t, Drop, w.send(rules.Up, syn, nil).Action)
}

// Of a box that sees one direction, the kernel must not drop the other.
func TestOneWayDropIsNotOffloaded(t *testing.T) {
	const dead = "- {rule: a, when: {to: 203.0.113.2}, do: {drop: both}, source: {ref: choice}}\n"
	for policy, want := range map[string]Offload{dead: OffloadDrop, "profile: {sees: up}\n---\n" + dead: OffloadNone} {
		w := newWire(t, policy).flow()
		require.Equal(t, OffloadNone, w.send(rules.Up, syn, nil).Offload, "half open")
		v := w.send(rules.Up, ack, nil)
		require.Equal(t, Drop, v.Action)
		require.Equal(t, want, v.Offload)
	}
}
