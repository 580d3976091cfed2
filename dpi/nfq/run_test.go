package nfq

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// kernelModel is what a kernel queue does with verdict messages, from its source: one for an id decides that packet, one for a batch
// all packets up to an id.
type kernelModel struct {
	waiting []uint32
	fate    map[uint32]string
}

func (k *kernelModel) take(t require.TestingT, out []byte) {
	for len(out) > 0 {
		m, rest, err := next(out)
		require.NoError(t, err)
		out = rest
		id := binary.BigEndian.Uint32(m.body[12:])
		said := fmt.Sprintf("%x %x", m.body[8:12], m.body[16:]) // the verdict; mark and data
		var still []uint32
		for _, w := range k.waiting {
			if w == id || m.typ == typeBatch && w < id {
				k.fate[w] = said
				continue
			}
			still = append(still, w)
		}
		require.Less(t, len(still), len(k.waiting), "a verdict for no packet")
		k.waiting = still
	}
}

// conductRun plays an engine that decides, holds and releases packets as script says, and wants every packet to get the verdict that it
// would have got by a message of its own, and none before it was given.
func conductRun(t require.TestingT, script []byte) (messages int) {
	draw := func() int {
		if len(script) == 0 {
			return 0
		}
		v := script[0]
		script = script[1:]
		return int(v)
	}
	q := newOwn(-1, 3, 64)
	k := &kernelModel{fate: map[uint32]string{}}
	given := map[uint32]string{}
	var held []uint32
	decide := func(id uint32, how int) {
		accept, mark, data := how%4 != 0, uint32(0), []byte(nil)
		switch how % 16 {
		case 1:
			mark = markBase | markPass
		case 2:
			data = []byte{1, 2, 3}
		}
		q.Verdict(id, accept, mark, data)
		b := appendVerdict(nil, 3, id, accept, mark, data)
		given[id] = fmt.Sprintf("%x %x", b[24:28], b[32:])
	}
	flush := func() {
		out := q.run.appendTo(q.out, 3)
		for rest := out; len(rest) > 0; messages++ {
			_, rest, _ = next(rest)
		}
		k.take(t, out)
		q.out = q.out[:0]
		if !maps.Equal(given, k.fate) {
			require.Equal(t, given, k.fate)
		}
		clear(given)
		clear(k.fate)
	}
	for id := uint32(0); len(script) > 0; {
		q.run.received(q.packets)
		q.packets = q.packets[:0]
		for range draw() % 20 {
			id += 1 + uint32(draw()%32/31) // some are lost on the way
			q.packets = append(q.packets, Packet{ID: id})
			k.waiting = append(k.waiting, id)
		}
		for i := range q.packets {
			how := draw()
			if how >= 240 {
				held = append(held, q.packets[i].ID)
				continue
			}
			for len(held) > 0 && how >= 200 { // comes with what it completes, before it
				n := draw() % len(held)
				decide(held[n], draw())
				held = append(held[:n], held[n+1:]...)
				how = draw()
			}
			decide(q.packets[i].ID, how|3*(how&4))
			if how%64 == 63 {
				flush()
			}
		}
		flush()
	}
	require.ElementsMatch(t, held, k.waiting)
	return messages
}

func TestRunsAreExact(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		script := make([]byte, 2000)
		for i := range script {
			script[i] = byte(random.Uint32())
		}
		conductRun(t, script)
	}
	straight := make([]byte, 2000) // packets that are all accepted
	for i := range straight {
		straight[i] = 7
	}
	require.Less(t, conductRun(t, straight), 2000/15+20, "a message a batch")
}

func FuzzRun(f *testing.F) {
	f.Add([]byte{5, 0, 0, 0, 0, 0, 7, 250, 7, 201, 0, 7, 7, 3, 0, 0, 0, 7, 210, 0, 4, 7})
	f.Fuzz(func(t *testing.T, script []byte) { conductRun(t, script[:min(len(script), 4000)]) })
}

// A verdict for what never came, or a second one, does not make a run out of what it is not.
func TestRunAfterStrayVerdicts(t *testing.T) {
	q := newOwn(-1, 0, 64)
	q.packets = append(q.packets, Packet{ID: 1}, Packet{ID: 2}, Packet{ID: 3})
	q.Verdict(77, true, 0, nil)
	q.Verdict(2, true, 0, nil)
	q.Verdict(3, true, 0, nil)
	require.Equal(t, 0, q.run.length)
	require.Equal(t, 1, q.run.older)
}
