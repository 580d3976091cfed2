package nfq

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dpilab/dpi"
	"dpilab/rules"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// BenchmarkQueued is a bridge with a box whose real engine, under the policy 2025-home, sees every packet: what a policy that counts
// costs. It compares the bare wire, either reader with one queue and two, and the own reader with headers alone and with the flows
// offloaded.
//
//   - bulk: one TCP flow; an iteration is 64 KiB;
//   - flows: the same by four flows, which several queues share;
//   - connections: connect, send a ClientHello, read 256 bytes, close; an iteration is a connection, eight at a time;
//   - latency: an iteration is 32 bytes there and back by UDP, one at a time; p50-us and p99-us.
//
// Sender, receiver and box share the processors: these are figures of the whole testbed. us-CPU/packet is the time of the workers'
// threads over the packets they received, what the kernel does with a packet that was passed on included (not for go-nfqueue, which
// reads on other threads); us-all/packet is the processor time of the whole process, both ends included. allocs/packet is everything
// that the process allocated meanwhile.
func BenchmarkQueued(b *testing.B) {
	for _, load := range []struct {
		name string
		run  func(*testing.B, *wire)
	}{{"bulk", bulk(1)}, {"flows", bulk(4)}, {"connections", connections}, {"latency", latency}} {
		for _, c := range []queuedCase{
			{name: "wire"},
			{name: "own-1", queues: 1},
			{name: "own-2", queues: 2},
			{name: "own-headers", queues: 1, headers: true},
			{name: "own-offload", queues: 1, kernel: KernelOffload},
			{name: "go-nfqueue-1", queues: 1, reader: GoNFQueue},
			{name: "go-nfqueue-2", queues: 2, reader: GoNFQueue},
		} {
			b.Run(load.name+"/"+c.name, func(b *testing.B) { c.run(b, load.run) })
		}
	}
}

type queuedCase struct {
	name    string
	reader  Reader
	queues  int // 0: no box
	kernel  Kernel
	headers bool // under a policy that reads no payload
}

// headersOnly is such a policy: it drops what goes to one address.
const headersOnly = `policy: headers
date: 2026-01-01
about: one address
profile: {fooled by: {checksum: true}}
rules:
  - {rule: one, when: {to: 192.0.2.1}, do: {drop: both}, source: {ref: choice}}
`

func (c *queuedCase) run(b *testing.B, load func(*testing.B, *wire)) {
	w := newWire(b, true)
	var d *Daemon
	if c.queues > 0 {
		p, err := rules.Shipped("2025-home")
		if c.headers {
			p, err = rules.Parse("headers.yaml", []byte(headersOnly), nil)
		}
		require.NoError(b, err)
		policy, err := p.Compile()
		require.NoError(b, err)
		config := w.config(nil)
		shared := dpi.NewShared()
		config.Engines = func(i int) Engine {
			return dpi.New(dpi.Options{Policy: policy, Seed: 1, Worker: i, Shared: shared})
		}
		config.Reader, config.Queues, config.Kernel = c.reader, c.queues, c.kernel
		config.Need = rules.Need{Everything: true, Payload: policy.Need().Payload}
		require.NotEqual(b, c.headers, config.Need.Payload)
		d = w.start(config)
		require.NoError(b, d.Each(func(int, Engine) {}))
	}
	before := used(b, d)
	load(b, w)
	b.StopTimer()
	if d == nil {
		return
	}
	after := used(b, d)
	n := w.counters(d)
	require.Zero(b, n.Refused)
	packets := float64(n.Received)
	b.ReportMetric(float64(n.Overflowed), "overflows")
	if c.kernel == 0 {
		b.ReportMetric((after.all-before.all).Seconds()*1e6/packets, "us-all/packet")
		b.ReportMetric(float64(after.mallocs-before.mallocs)/packets, "allocs/packet")
		if c.reader == Own {
			b.ReportMetric((after.workers-before.workers).Seconds()*1e6/packets, "us-CPU/packet")
		}
	}
}

// usage is what was used up so far.
type usage struct {
	all, workers time.Duration
	mallocs      uint64
}

func used(b *testing.B, d *Daemon) (u usage) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	u.all, u.mallocs = processorTime(unix.RUSAGE_SELF), m.Mallocs
	if d != nil {
		require.NoError(b, d.Each(func(int, Engine) { u.workers += processorTime(unix.RUSAGE_THREAD) }))
	}
	return u
}

func processorTime(who int) time.Duration {
	var r unix.Rusage
	if unix.Getrusage(who, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// bulk gives a load of this many TCP flows, which share the iterations.
func bulk(flows int) func(*testing.B, *wire) {
	return func(b *testing.B, w *wire) {
		var received atomic.Int64
		var receivers, senders sync.WaitGroup
		var senderEnds []*net.TCPConn
		for range flows {
			from, to := w.pipe(b)
			senderEnds = append(senderEnds, from)
			receivers.Go(func() {
				n, _ := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{to}, make([]byte, 256<<10))
				received.Add(n)
			})
		}
		chunk := make([]byte, 64<<10)
		var left atomic.Int64
		left.Store(int64(b.N))
		b.ResetTimer()
		for _, from := range senderEnds {
			senders.Go(func() {
				for left.Add(-1) >= 0 {
					if _, err := from.Write(chunk); err != nil {
						b.Error(err)
						break
					}
				}
				_ = from.CloseWrite()
			})
		}
		senders.Wait()
		receivers.Wait()
		b.StopTimer()
		require.Equal(b, int64(b.N)*int64(len(chunk)), received.Load())
		b.ReportMetric(float64(received.Load())*8/1e6/b.Elapsed().Seconds(), "Mbit/s")
	}
}

// helloTo is a ClientHello in its record.
func helloTo(name string) (hello []byte) {
	ours, theirs := net.Pipe()
	go func() {
		_ = tls.Client(theirs, &tls.Config{ServerName: name, CurvePreferences: []tls.CurveID{tls.X25519}}).Handshake()
		_ = theirs.Close()
	}()
	hello = make([]byte, 4096)
	n, _ := ours.Read(hello)
	_ = ours.Close()
	return hello[:n]
}

func connections(b *testing.B, w *wire) {
	const workers = 8
	answer := append([]byte{22, 3, 3, 0, 251, 2, 0, 0, 247, 3, 3}, make([]byte, 245)...) // a record with the length of a ServerHello
	hello := helloTo("open.example")
	require.Greater(b, len(hello), 100)
	at := netip.AddrPortFrom(w.endIP[4], 443)
	var l *net.TCPListener
	w.in(w.end, func() (err error) {
		l, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at))
		return err
	})
	defer l.Close()
	for range workers {
		go func() {
			buffer := make([]byte, len(hello))
			for {
				c, err := l.AcceptTCP()
				if err != nil {
					return
				}
				if _, err := io.ReadFull(c, buffer); err == nil {
					_, _ = c.Write(answer)
				}
				_, _ = c.Read(buffer) // until the client closes
				_ = c.Close()
			}
		}()
	}
	tries := make(chan struct{}, workers)
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			err := inNetNS(int(w.client), func() error {
				buffer := make([]byte, len(answer))
				for range tries {
					c, err := net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(at))
					if err == nil {
						if _, err = c.Write(hello); err == nil {
							_, err = io.ReadFull(c, buffer)
						}
						_ = c.SetLinger(0) // no ports in TIME_WAIT
						_ = c.Close()
					}
					if err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Error(err)
			}
		})
	}
	b.ResetTimer()
	for range b.N {
		tries <- struct{}{}
	}
	close(tries)
	running.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "conn/s")
}

func latency(b *testing.B, w *wire) {
	w.echo(4)
	u := w.dialUDP(4)
	text := make([]byte, 32)
	buffer := make([]byte, 64)
	took := make([]time.Duration, 0, b.N)
	b.ResetTimer()
	for range b.N {
		start := time.Now()
		_, err := u.Write(text)
		if err == nil {
			err = u.SetReadDeadline(start.Add(patience))
		}
		if err == nil {
			_, err = u.Read(buffer)
		}
		if err != nil {
			b.Fatal(fmt.Errorf("after %d answers: %w", len(took), err))
		}
		took = append(took, time.Since(start))
	}
	b.StopTimer()
	slices.Sort(took)
	for _, p := range []int{50, 99} {
		b.ReportMetric(float64(took[len(took)*p/100].Nanoseconds())/1e3, fmt.Sprintf("p%d-us", p))
	}
}
