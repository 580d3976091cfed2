package nfq

import (
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"dpilab/dpi"
	"dpilab/rules"

	"github.com/google/nftables"
	"github.com/stretchr/testify/require"
)

// What goes to or comes from a blocked prefix is dropped, in the direction that is blocked, and never reaches the engine.
func TestBlocks(t *testing.T) {
	each(t, func(t *testing.T, w *wire, version int) {
		other := w.clientIP[version]
		for _, x := range []struct {
			to   netip.Addr
			dir  rules.Direction
			pass bool
		}{
			{w.endIP[version], rules.Up, false}, {w.endIP[version], rules.Down, false}, {w.endIP[version], rules.Both, false},
			{other, rules.Both, true}, // that of the inside end
		} {
			var seen [3]atomic.Int64
			c := w.config(func(p dpi.Packet) dpi.Verdict {
				if payload(p.Data) != nil {
					seen[p.Dir].Add(1)
				}
				return accept(p)
			})
			c.Kernel = KernelAll
			c.Need = rules.Need{Everything: true, Blocks: []rules.Block{{Direction: x.dir, Prefixes: []netip.Prefix{netip.PrefixFrom(x.to, x.to.BitLen())}}}}
			d, stop := w.run(c)
			u := w.dialUDP(version)
			if x.pass {
				w.ask(u, "hello", "hello")
			} else {
				w.askInVain(u, "hello")
			}
			n := w.counters(d)
			what := fmt.Sprint(x)
			switch {
			case x.pass:
				require.Zero(t, n.Blocked, what)
			case x.dir == rules.Down:
				require.EqualValues(t, 1, seen[rules.Up].Load(), what)
				require.Zero(t, seen[rules.Down].Load(), what)
				require.NotZero(t, n.Blocked, what)
			default:
				require.Zero(t, seen[rules.Up].Load(), what)
				require.NotZero(t, n.BlockedBytes, what)
			}
			stop()
		}
	})
}

// Packets that fit no interest pass without the engine; those that fit one, and fragments, go to it.
func TestSkips(t *testing.T) {
	each(t, func(t *testing.T, w *wire, version int) {
		end := []netip.Prefix{netip.PrefixFrom(w.endIP[version], 8).Masked()}
		elsewhere := prefixes("192.0.2.0/24", "2001:db8:ffff::/48")
		for name, x := range map[string]struct {
			interest rules.Interest
			udp, tcp bool // are seen
		}{
			"nothing":        {rules.Interest{Transports: 1 << rules.TransportOther}, false, false},
			"UDP":            {rules.Interest{Transports: 1 << rules.TransportUDP}, true, false},
			"all":            {rules.Interest{}, true, true},
			"port":           {rules.Interest{Ports: []rules.Range{{Min: 1, Max: 80}, {Min: port - 1, Max: port - 1}, {Min: port, Max: port}}}, true, true},
			"last port":      {rules.Interest{Ports: []rules.Range{{Min: 40000, Max: 65535}}}, false, false},
			"port of TCP":    {rules.Interest{Ports: []rules.Range{{Min: port, Max: port}}, Transports: 1 << rules.TransportTCP}, false, true},
			"there":          {rules.Interest{To: end}, true, true},
			"elsewhere":      {rules.Interest{To: elsewhere}, false, false},
			"port elsewhere": {rules.Interest{To: elsewhere, Ports: []rules.Range{{Min: port, Max: port}}}, false, false},
			"UDP there":      {rules.Interest{To: end, Transports: 1 << rules.TransportUDP}, true, false},
		} {
			var udp, tcp, fragments atomic.Int64
			c := w.config(func(p dpi.Packet) dpi.Verdict {
				protocol, _ := layout(p.Data)
				switch {
				case isFragment(p.Data):
					fragments.Add(1)
				case protocol == 17:
					udp.Add(1)
				case protocol == 6:
					tcp.Add(1)
				}
				return accept(p)
			})
			c.Kernel, c.Need = KernelAll, rules.Need{Interests: []rules.Interest{x.interest}}
			d, stop := w.run(c)
			u := w.dialUDP(version)
			w.ask(u, "hello", "hello")
			tc, err := w.dialTCP(version, 0)
			require.NoError(t, err)
			w.ask(tc, "hello", "hello")
			w.askDatagram(u, string(make([]byte, 4000)))
			require.NoError(t, tc.SetLinger(0)) // a reset: nothing of it is left for the next daemon
			require.NoError(t, tc.Close())
			time.Sleep(20 * time.Millisecond)
			require.EqualValues(t, 6, fragments.Load(), name)
			require.Equal(t, x.udp, udp.Load() == 2, "%s: %d", name, udp.Load())
			require.Equal(t, x.tcp, tcp.Load() > 0, "%s: %d", name, tcp.Load())
			require.Equal(t, !x.udp || !x.tcp, w.counters(d).Skipped > 0, name)
			stop()
		}
	})
}

// Fifty thousand prefixes of each family are loaded, and the first and the last of them block.
func TestManyPrefixes(t *testing.T) {
	w := newWire(t, true)
	for _, version := range []int{4, 6} {
		w.echo(version)
	}
	c := w.config(accept)
	c.Kernel = KernelAll
	c.Need = rules.Need{Everything: true, Blocks: []rules.Block{{Prefixes: many(50_000)}}}
	began := time.Now()
	d, stop := w.run(c)
	t.Logf("100,000 prefixes in %v, %d messages at once", time.Since(began), d.rules.a.atOnce)
	w.ask(w.dialUDP(4), "hello", "hello")
	stop()
	for _, version := range []int{4, 6} {
		a := w.endIP[version]
		c.Need.Blocks[0].Prefixes = append(many(50_000), netip.PrefixFrom(a, a.BitLen()))
		_, stop := w.run(c)
		w.askInVain(w.dialUDP(version), "hello")
		stop()
	}
}

// many gives n prefixes of each family that do not touch; 65,536 at most.
func many(n int) (all []netip.Prefix) {
	for i := range n {
		a := 2 * i
		all = append(all, netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18 + byte(a>>16), byte(a >> 8), byte(a)}), 32),
			netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0xff, byte(a >> 16), byte(a >> 8), byte(a)}), 64))
	}
	return all
}

// When the kernel can keep no more flows, the others go on as they did: through the engine, or skipped packet by packet.
func TestFullSets(t *testing.T) {
	for _, skips := range []bool{false, true} {
		w := newWire(t, true)
		w.echo(4)
		c := w.config(func(p dpi.Packet) dpi.Verdict {
			v := accept(p)
			v.Offload = dpi.OffloadPass
			return v
		})
		c.Flows = 4
		if skips {
			c.Kernel, c.Need = KernelAll, rules.Need{Interests: []rules.Interest{{Transports: 1 << rules.TransportICMP}}}
		}
		d := w.start(c)
		for range 20 {
			u := w.dialUDP(4)
			for range 3 {
				w.ask(u, "hello", "hello")
			}
		}
		n := w.counters(d)
		require.Zero(t, n.Refused+n.Dropped)
		if skips {
			require.Zero(t, n.Received)
			require.Greater(t, n.Skipped, uint64(16*6-1), "%+v", n)
		} else {
			require.Greater(t, n.Received, uint64(16*6-1), "%+v", n)
		}
		require.Greater(t, n.OffloadedPass, uint64(4))
	}
}

// Several sets that are long go to the kernel in several transactions, even where the socket's buffer is small.
func TestManySets(t *testing.T) {
	w := newWire(t, true)
	w.echo(4)
	c := w.config(accept)
	c.Kernel = KernelAll
	d, _ := w.run(c)
	for _, d.rules.a.atOnce = range []int{100, 1} {
		long := many(12_000)
		n := rules.Need{Interests: []rules.Interest{{To: long[:10_000]}, {To: long[5_000:]}, {To: long[1_000:], Ports: []rules.Range{{Min: 1, Max: 2}}}}}
		require.NoError(t, d.decide([]rules.Need{n}))
		require.Len(t, d.rules.now.all, 7)
		w.ask(w.dialUDP(4), "hello", "hello")
		require.NotZero(t, w.counters(d).Skipped)
		sets, err := d.rules.a.conn.GetSets(d.rules.a.table)
		require.NoError(t, err)
		require.Len(t, sets, 7+4, "those of before are gone")
	}
	bad := d.rules.a
	bad.ahead = &nftables.Chain{Name: "none", Table: bad.table}
	was := d.rules.a
	d.rules.a = bad
	require.Error(t, d.decide([]rules.Need{{Interests: []rules.Interest{{To: many(10)}}}}))
	d.rules.a = was
	sets, err := was.conn.GetSets(was.table)
	require.NoError(t, err)
	require.Len(t, sets, 7+4, "those of a failure as well")
	w.ask(w.dialUDP(4), "hello", "hello")
}
