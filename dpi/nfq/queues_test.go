package nfq

import (
	"net"
	"net/netip"
	"sync"
	"testing"

	"dpilab/dpi"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
)

// Two queues share the clients between them, and both directions of a flow are one worker's.
func TestTwoQueues(t *testing.T) {
	w := newWire(t, true)
	w.echo(4)
	type flow struct{ a, b [16]byte }
	var mu sync.Mutex
	worker := map[flow]map[int]bool{}
	perWorker := map[int]int{}
	c := w.config(nil)
	c.Queues, c.FirstQueue = 2, 100
	c.Engines = func(i int) Engine {
		return &fake{handle: func(p dpi.Packet) dpi.Verdict {
			src, dst, v6, _ := addresses(p.Data)
			if v6 {
				return accept(p)
			}
			if src[3] < dst[3] {
				src, dst = dst, src
			}
			mu.Lock()
			defer mu.Unlock()
			f := flow{src, dst}
			if worker[f] == nil {
				worker[f] = map[int]bool{}
			}
			worker[f][i] = true
			perWorker[i]++
			return accept(p)
		}}
	}
	d := w.start(c)
	const clients = 20
	for i := range clients {
		ip := netip.AddrFrom4([4]byte{198, 51, 100, byte(100 + i)})
		var u *net.UDPConn
		w.in(w.client, func() (err error) {
			l, err := netlink.LinkByName("eth0")
			require.NoError(t, err)
			a, _ := netlink.ParseAddr(ip.String() + "/24")
			require.NoError(t, netlink.AddrAdd(l, a))
			u, err = net.DialUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, 0)), net.UDPAddrFromAddrPort(netip.AddrPortFrom(w.endIP[4], port)))
			return err
		})
		w.ask(u, "hello", "hello")
		require.NoError(t, u.Close())
	}
	mu.Lock()
	defer mu.Unlock()
	require.Len(t, worker, clients)
	for f, seen := range worker {
		require.Len(t, seen, 1, "%v was seen by more than one worker", f)
	}
	require.Len(t, perWorker, 2)
	require.GreaterOrEqual(t, w.counters(d).Received, uint64(2*clients))
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
