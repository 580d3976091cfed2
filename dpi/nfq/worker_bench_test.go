package nfq

import (
	"testing"
	"time"

	"dpilab/dpi"

	"github.com/stretchr/testify/require"
)

// sink is the own reader without a kernel: messages are decoded and verdicts are built, and nothing is received or sent.
type sink struct {
	*own
	messages [][]byte
}

func (s *sink) Receive() ([]Packet, error) {
	s.run.received(s.packets)
	s.packets = s.packets[:0]
	for _, m := range s.messages {
		s.datagram(m)
	}
	return s.packets, nil
}

func (s *sink) Flush() error {
	s.out = s.run.appendTo(s.out, s.number)[:0]
	return nil
}

// newSink gives a worker that gets the same batch of packets of a few flows again and again.
func newSink(verdict dpi.Verdict) (*worker, *sink) {
	s := &sink{own: newOwn(-1, 0, 64)}
	for i := range batchSize {
		data := make([]byte, 1500)
		data[0], data[9] = 0x45, 6
		copy(data[12:], []byte{198, 51, 100, byte(i % 4), 203, 0, 113, 1})
		s.messages = append(s.messages, packetMessage(uint32(i+1), data))
	}
	p := ports{inside: 13, outside: 14, bridge: 12}
	engine := engineFunc(func(p dpi.Packet, out []dpi.Verdict) []dpi.Verdict {
		v := verdict
		v.ID = p.ID
		return append(out, v)
	})
	return &worker{daemon: &Daemon{config: Config{Kernel: KernelOffload}, ports: p}, queue: s, engine: engine, injector: &frames{ports: p}}, s
}

// BenchmarkWorker is what a packet costs in a worker besides the engine and the kernel: decoding, the direction, learning addresses, the
// verdict message. One iteration is a packet.
func BenchmarkWorker(b *testing.B) {
	for name, v := range map[string]dpi.Verdict{"accept": {}, "drop": {Action: dpi.Drop}, "offload": {Offload: dpi.OffloadPass}} {
		b.Run(name, func(b *testing.B) {
			w, s := newSink(v)
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n < b.N; n += batchSize {
				packets, _ := s.Receive()
				if err := w.batch(time.Duration(n), packets); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A worker counts every packet of a batch, once.
func TestWorkerCounts(t *testing.T) {
	for _, c := range []struct {
		verdict dpi.Verdict
		want    Counters
	}{
		{dpi.Verdict{}, Counters{Received: batchSize, Accepted: batchSize}},
		{dpi.Verdict{Action: dpi.Drop}, Counters{Received: batchSize, Dropped: batchSize}},
		{dpi.Verdict{Action: dpi.Rewrite, Data: []byte{1}}, Counters{Received: batchSize, Rewritten: batchSize}},
		{dpi.Verdict{Action: dpi.Send}, Counters{Received: batchSize, SendFailed: batchSize}},
	} {
		w, s := newSink(c.verdict)
		packets, err := s.Receive()
		require.NoError(t, err)
		require.NoError(t, w.batch(0, packets))
		var n Counters
		w.tally.addTo(&n)
		require.Equal(t, c.want, n)
		require.Zero(t, w.tally.missed.Load())
	}
}
