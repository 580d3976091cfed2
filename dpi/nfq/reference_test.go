package nfq

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"dpilab/dpi"
	"dpilab/rules"

	"github.com/stretchr/testify/require"
)

// oracle decides by a hash of the payload, or of its number and length where the engine gets headers alone, and writes down what it saw
// and said. Many engines may share it.
type oracle struct {
	headers bool
	mu      sync.Mutex
	log     []string
}

// fate says what becomes of a datagram: it is dropped, it comes back rewritten, or as it was.
func (o *oracle) fate(text []byte, size int) dpi.Action {
	h := fnv.New32a()
	if o.headers {
		text = binary.BigEndian.AppendUint32(bytes.Clone(text[:4]), uint32(size))
	}
	_, _ = h.Write(text)
	switch h.Sum32() % 8 {
	case 0:
		return dpi.Drop
	case 1, 2:
		return dpi.Rewrite
	}
	return dpi.Accept
}

func (o *oracle) handle(p dpi.Packet) dpi.Verdict {
	text := payload(p.Data)
	v := accept(p)
	if len(text) < 4 {
		return v
	}
	size := p.Length - (len(p.Data) - len(text))
	if v.Action = o.fate(text, size); v.Action == dpi.Rewrite {
		if p.Dir == rules.Down {
			v.Data = withPayload(p.Data, string(text[:4])+"rewritten")
		} else {
			v.Action = dpi.Accept
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.log = append(o.log, fmt.Sprintf("%v %x, %d bytes of %d: %v", p.Dir, text[:4], len(text), size, v.Action))
	return v
}

// Our reader and the reference show the engines the same packets, and do the same with their verdicts: from one queue and from several,
// with whole packets and with headers alone.
func TestReadersAreEqual(t *testing.T) {
	for _, version := range []int{4, 6} {
		for _, queues := range []int{1, 3} {
			for _, headers := range []bool{false, true} {
				t.Run(fmt.Sprintf("IPv%d/queues=%d/headers=%v", version, queues, headers), func(t *testing.T) {
					wantLog, wantAnswers := conversation(t, version, GoNFQueue, queues, headers)
					log, answers := conversation(t, version, Own, queues, headers)
					require.Equal(t, wantLog, log)
					require.Equal(t, wantAnswers, answers)
					require.Greater(t, len(answers), 100)
					require.Less(t, len(answers), datagrams)
				})
			}
		}
	}
}

const (
	datagrams = 240
	senders   = 8
)

// conversation sends seeded datagrams of several flows, a few at a time, and returns what the engines wrote down, sorted, and what came
// back. Their order is not compared: sender, echo and box may run on several processors, and packets then overtake each other. It
// waits for the answers that there must be, not for silence, which a busy machine also has.
func conversation(t *testing.T, version int, r Reader, queues int, headers bool) (log []string, answers map[uint32]string) {
	w := newWire(t, true)
	w.echo(version)
	o := &oracle{headers: headers}
	c := w.config(o.handle)
	c.Reader, c.Queues, c.Need = r, queues, rules.Need{Everything: true, Payload: !headers}
	d := w.start(c)
	var flows []*net.UDPConn
	for range senders {
		flows = append(flows, w.dialUDP(version))
	}
	w.ask(flows[0], "hi", "hi") // too short to be counted: the ends find each other
	random := rand.New(rand.NewPCG(1, 2))
	answers = map[uint32]string{}
	b := make([]byte, 64<<10)
	take := func(u *net.UDPConn, wait time.Duration) bool {
		require.NoError(t, u.SetReadDeadline(time.Now().Add(wait)))
		n, err := u.Read(b)
		if err == nil {
			answers[binary.BigEndian.Uint32(b)] += string(b[:n])
		}
		return err == nil
	}
	for i := 0; i < datagrams; {
		expected := make([]int, senders)
		for range 3 * senders {
			text := binary.BigEndian.AppendUint32(nil, uint32(i))
			text = append(text, bytes.Repeat([]byte{byte(random.Uint32())}, random.IntN(1400))...)
			_, err := flows[i%senders].Write(text)
			require.NoError(t, err)
			if o.fate(text, len(text)) != dpi.Drop {
				expected[i%senders]++
			}
			i++
		}
		for f, n := range expected {
			for range n {
				require.True(t, take(flows[f], patience), "no answer")
			}
		}
	}
	require.Eventually(t, func() bool { // the last may be a dropped one, on its way
		n := w.counters(d)
		return n.Waiting == 0 && n.Received == n.Queued
	}, patience, time.Millisecond)
	for _, u := range flows {
		require.False(t, take(u, time.Millisecond), "an answer to what was dropped")
	}
	n := w.counters(d)
	require.Positive(t, n.Dropped)
	require.Positive(t, n.Rewritten)
	require.Zero(t, n.Refused+n.Overflowed+n.Overflows)
	o.mu.Lock()
	defer o.mu.Unlock()
	slices.Sort(o.log)
	return o.log, answers
}
