package dpi

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/packet"
	"dpilab/rules"
)

const (
	fin, syn, rst, ack = 1, 2, 4, 16
)

// wire is a box at virtual time with two hosts around it.
type wire struct {
	t      *testing.T
	engine *Engine
	now    time.Duration
	client netip.AddrPort
	server netip.AddrPort
	seq    [2]uint32 // next sequence number, up and down
	out    []Verdict
	events []Event
}

// policyOf compiles a policy from its rules and, before "---", other keys.
func policyOf(t testing.TB, text string) *rules.Compiled {
	t.Helper()
	extra, list, found := strings.Cut(text, "---\n")
	if !found {
		extra, list = "", text
	}
	file := "policy: test\ndate: 2026-01-01\nabout: test\n" + extra + "rules:\n" + list
	p, err := rules.Parse("test.yaml", []byte(file), nil)
	require.NoError(t, err)
	c, err := p.Compile()
	require.NoError(t, err)
	return c
}

func newWire(t *testing.T, policy string) *wire {
	w := &wire{
		t:      t,
		client: netip.MustParseAddrPort("198.51.100.2:40000"),
		server: netip.MustParseAddrPort("203.0.113.2:443"),
		now:    time.Hour,
	}
	w.engine = New(Options{Policy: policyOf(t, policy), Seed: 1, OnEvent: func(e *Event) { w.events = append(w.events, *e) }})
	return w
}

// flow starts over with a client port of its own.
func (w *wire) flow() *wire {
	w.client = netip.AddrPortFrom(w.client.Addr(), w.client.Port()+1)
	w.seq = [2]uint32{1000, 5000}
	return w
}

func (w *wire) handle(dir rules.Direction, data []byte) Verdict {
	w.out = w.engine.Handle(w.now, Packet{ID: 7, Dir: dir, Data: data}, w.out[:0])
	require.Len(w.t, w.out, 1)
	require.EqualValues(w.t, 7, w.out[0].ID)
	return w.out[0]
}

func (w *wire) tcp(dir rules.Direction, flags uint8, seq uint32, payload []byte) Verdict {
	if dir == rules.Up {
		return w.handle(dir, packet.AppendTCP(nil, w.client, w.server, seq, w.seq[1], flags, 64, payload))
	}
	return w.handle(dir, packet.AppendTCP(nil, w.server, w.client, seq, w.seq[0], flags, 58, payload))
}

// send sends the next segment of a direction.
func (w *wire) send(dir rules.Direction, flags uint8, payload []byte) Verdict {
	side := sideOf(dir)
	v := w.tcp(dir, flags, w.seq[side], payload)
	w.seq[side] += uint32(len(payload))
	if flags&(syn|fin) != 0 {
		w.seq[side]++
	}
	return v
}

func (w *wire) up(payload []byte) Action   { return w.send(rules.Up, ack, payload).Action }
func (w *wire) down(payload []byte) Action { return w.send(rules.Down, ack, payload).Action }

// connect makes the handshake of a new flow.
func (w *wire) connect() *wire {
	w.flow()
	require.Equal(w.t, Accept, w.send(rules.Up, syn, nil).Action)
	require.Equal(w.t, Accept, w.send(rules.Down, syn|ack, nil).Action)
	require.Equal(w.t, Accept, w.send(rules.Up, ack, nil).Action)
	return w
}

func (w *wire) udp(dir rules.Direction, payload []byte) Verdict {
	if dir == rules.Up {
		return w.handle(dir, packet.AppendUDP(nil, w.client, w.server, 64, payload))
	}
	return w.handle(dir, packet.AppendUDP(nil, w.server, w.client, 58, payload))
}

func (w *wire) wait(d time.Duration) *wire {
	w.now += d
	return w
}

// hello is a small ClientHello of TLS 1.3 in as many records as there are cuts, plus one.
func hello(name string, cuts ...int) []byte {
	sni := append([]byte{0, 0, 0, byte(len(name) + 5), 0, byte(len(name) + 3), 0, 0, byte(len(name))}, name...)
	extensions := append(sni, 0, 43, 0, 3, 2, 3, 4)
	body := append([]byte{3, 3}, make([]byte, 32)...)
	body = append(body, 0, 0, 2, 0x13, 0x01, 1, 0)
	body = binary.BigEndian.AppendUint16(body, uint16(len(extensions)))
	body = append(body, extensions...)
	message := append([]byte{1, 0, byte(len(body) >> 8), byte(len(body))}, body...)
	var out []byte
	from := 0
	for _, to := range append(cuts, len(message)) {
		out = append(out, 22, 3, 1, byte((to-from)>>8), byte(to-from))
		out = append(out, message[from:to]...)
		from = to
	}
	return out
}

var answer = []byte(strings.Repeat("server data ", 100))
