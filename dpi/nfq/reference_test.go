package nfq

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"dpilab/dpi"
	"dpilab/rules"

	"github.com/stretchr/testify/require"
)

// oracle decides by a hash of the payload alone, and writes down what it saw and said.
type oracle struct {
	mu  sync.Mutex
	log []string
}

func (o *oracle) handle(p dpi.Packet) dpi.Verdict {
	text := payload(p.Data)
	v := accept(p)
	if len(text) < 4 {
		return v
	}
	h := fnv.New32a()
	_, _ = h.Write(text)
	switch h.Sum32() % 8 {
	case 0:
		v.Action = dpi.Drop
	case 1, 2:
		if p.Dir == rules.Down {
			v.Action, v.Data = dpi.Rewrite, withPayload(p.Data, string(text[:4])+"rewritten")
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.log = append(o.log, fmt.Sprintf("%v %x, %d bytes, hash %x: %v", p.Dir, text[:4], len(text), h.Sum32(), v.Action))
	return v
}

// Our reader and the reference show an engine the same packets, and do the same with its verdicts.
func TestReadersAreEqual(t *testing.T) {
	for _, version := range []int{4, 6} {
		t.Run(fmt.Sprintf("IPv%d", version), func(t *testing.T) {
			wantLog, wantAnswers := conversation(t, version, GoNFQueue)
			log, answers := conversation(t, version, Own)
			require.Equal(t, wantLog, log)
			require.Equal(t, wantAnswers, answers)
			require.Greater(t, len(answers), 100)
			require.Less(t, len(answers), datagrams)
		})
	}
}

const datagrams = 300

// conversation sends seeded datagrams, thirty at a time, and returns what the engine wrote down and what came back.
func conversation(t *testing.T, version int, r Reader) (log []string, answers map[uint32]string) {
	w := newWire(t, true)
	w.echo(version)
	o := &oracle{}
	c := w.config(o.handle)
	c.Reader = r
	d := w.start(c)
	u := w.dialUDP(version)
	w.ask(u, "hi", "hi") // until the ends have found each other, packets overtake one another
	random := rand.New(rand.NewPCG(1, 2))
	answers = map[uint32]string{}
	b := make([]byte, 64<<10)
	for i := range datagrams {
		text := binary.BigEndian.AppendUint32(nil, uint32(i))
		text = append(text, bytes.Repeat([]byte{byte(random.Uint32())}, random.IntN(1400))...)
		_, err := u.Write(text)
		require.NoError(t, err)
		if i%30 != 29 {
			continue
		}
		for { // until nothing more comes of these thirty
			require.NoError(t, u.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
			n, err := u.Read(b)
			if err != nil {
				break
			}
			answers[binary.BigEndian.Uint32(b)] = string(b[:n])
		}
	}
	n := w.counters(d)
	require.Positive(t, n.Dropped)
	require.Positive(t, n.Rewritten)
	require.Zero(t, n.Refused+n.Overflowed+n.Overflows+n.Waiting)
	o.mu.Lock()
	defer o.mu.Unlock()
	return order(o.log), answers
}

// order drops the order between the directions, which depends on timing, and keeps that within each.
func order(log []string) []string {
	var up, down []string
	for _, l := range log {
		if strings.HasPrefix(l, rules.Up.String()+" ") {
			up = append(up, l)
		} else {
			down = append(down, l)
		}
	}
	return append(up, down...)
}
