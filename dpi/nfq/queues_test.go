package nfq

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"dpilab/dpi"
	"dpilab/rules"

	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// sorter notes which workers saw what.
type sorter struct {
	mu      sync.Mutex
	workers map[string]map[int]int // packets by what they belong to and worker
}

func (s *sorter) engines(i int) Engine {
	return &fake{handle: func(p dpi.Packet) dpi.Verdict {
		s.mu.Lock()
		defer s.mu.Unlock()
		b := belongsTo(p)
		if s.workers[b] == nil {
			s.workers[b] = map[int]int{}
		}
		s.workers[b][i]++
		return accept(p)
	}}
}

// belongsTo names the flow of a packet, the same in both directions: TCP and UDP flows by the client's port, fragments and everything
// else by nothing, since only two addresses talk.
func belongsTo(p dpi.Packet) string {
	protocol, at := layout(p.Data)
	if protocol != unix.IPPROTO_TCP && protocol != unix.IPPROTO_UDP || p.Data[0]>>4 == 4 && p.Data[6]&0x3f+p.Data[7] != 0 {
		src, dst, v6, _ := addresses(p.Data)
		if v6 && (src[0] == 0xfe || dst[0] == 0xff) {
			return "neighbours"
		}
		return "rest"
	}
	at += map[rules.Direction]int{rules.Up: 0, rules.Down: 2}[p.Dir]
	return fmt.Sprintf("%d:%d", protocol, binary.BigEndian.Uint16(p.Data[at:]))
}

// Several queues share the flows between two addresses; both directions of a flow are one worker's, and so are all fragments, their
// set's first among them, and packets of other protocols.
func TestSpread(t *testing.T) {
	each(t, func(t *testing.T, w *wire, version int) {
		const queues, flows = 3, 40
		s := &sorter{workers: map[string]map[int]int{}}
		c := w.config(nil)
		c.Queues, c.FirstQueue, c.Engines = queues, 100, s.engines
		d := w.start(c)
		for range flows {
			u := w.dialUDP(version)
			w.ask(u, "hello", "hello")
			require.NoError(t, u.Close())
			tcp, err := w.dialTCP(version, 0)
			require.NoError(t, err)
			w.ask(tcp, "hello", "hello")
			require.NoError(t, tcp.Close())
		}
		long := strings.Repeat("fragments ", 400)
		for range 10 {
			w.ask(w.dialUDP(version), long, long)
		}
		var raw net.PacketConn // of a protocol that nobody has: the answer is ICMP
		w.in(w.client, func() (err error) {
			raw, err = net.ListenPacket(fmt.Sprintf("ip%d:253", version), w.clientIP[version].String())
			return err
		})
		defer raw.Close()
		_, err := raw.WriteTo([]byte("anybody?"), &net.IPAddr{IP: w.endIP[version].AsSlice()})
		require.NoError(t, err)
		require.Eventually(t, func() bool { n := w.counters(d); return n.Waiting == 0 && n.Received == n.Queued }, patience, 10*time.Millisecond)

		s.mu.Lock()
		defer s.mu.Unlock()
		perWorker := map[int]int{}
		for flow, seen := range s.workers {
			if flow == "neighbours" {
				continue
			}
			require.Len(t, seen, 1, "%s: %v", flow, seen)
			for i, n := range seen {
				require.GreaterOrEqual(t, n, 2, flow)
				perWorker[i]++
			}
		}
		require.Contains(t, s.workers, "rest")
		require.GreaterOrEqual(t, len(s.workers), 2*flows)
		require.Len(t, perWorker, queues)
		for i, n := range perWorker {
			require.Greater(t, n, flows/queues, "worker %d: %v", i, perWorker)
		}
	})
}

// What crosses the bridge between other ports is none of the box's business.
func TestOtherPorts(t *testing.T) {
	w := newWire(t, true)
	third := newNetNS(t)
	w.in(w.box, func() error {
		v := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "third"}, PeerName: "eth0", PeerNamespace: netlink.NsFd(int(third))}
		if err := netlink.LinkAdd(v); err != nil {
			return err
		}
		br, err := netlink.LinkByName("br0")
		if err != nil {
			return err
		}
		l, err := netlink.LinkByName("third")
		if err != nil {
			return err
		}
		if err := netlink.LinkSetMaster(l, br); err != nil {
			return err
		}
		return netlink.LinkSetUp(l)
	})
	w.in(third, func() error { return address("eth0", "198.51.100.9/24") })
	w.end, w.endIP[4] = third, netip.MustParseAddr("198.51.100.9")
	w.echo(4)
	d := w.start(w.config(func(p dpi.Packet) dpi.Verdict {
		if payload(p.Data) != nil {
			t.Error("the engine saw a packet that does not cross the box")
		}
		return accept(p)
	}))
	w.ask(w.dialUDP(4), "hello", "hello")
	require.GreaterOrEqual(t, w.counters(d).Ignored, uint64(2))
}

// broken is a queue that cannot be read.
type broken struct{ Queue }

var errBroken = errors.New("broken")

func (broken) Receive() ([]Packet, error) { return nil, errBroken }

// One queue that fails ends all workers: Run says why, and no queue is left.
func TestOneQueueFails(t *testing.T) {
	w := newWire(t, true)
	w.echo(4)
	c := w.config(accept)
	c.Queues = 3
	d, err := Open(c)
	require.NoError(t, err)
	d.workers[1].queue = broken{d.workers[1].queue}
	require.ErrorIs(t, d.Run(t.Context()), errBroken)
	w.in(w.box, func() error {
		all, err := kernelQueues()
		require.Empty(t, all)
		return err
	})
	require.ErrorIs(t, d.Each(func(int, Engine) {}), ErrClosed)
	w.ask(w.dialUDP(4), "fails open", "fails open")
	require.NoError(t, d.Close())
}

// Either form of the expression names one queue and says whether packets pass when nobody listens.
func TestQueueExpression(t *testing.T) {
	for _, open := range []bool{false, true} {
		flags := uint16(0)
		if open {
			flags = 1
		}
		native := attachment{failOpen: open}
		require.Equal(t, []expr.Any{&expr.Queue{Num: 0x0102, Total: 1, Flag: expr.QueueFlag(flags)}}, native.queue(0x0102))
		target := attachment{failOpen: open, xtables: true}
		info := xt.Unknown(binary.NativeEndian.AppendUint16(nil, 0x0102))
		info = append(binary.NativeEndian.AppendUint16(binary.NativeEndian.AppendUint16(info, 1), flags), 0, 0)
		require.Equal(t, []expr.Any{&expr.Target{Name: "NFQUEUE", Rev: 3, Info: &info}}, target.queue(0x0102))
	}
}
