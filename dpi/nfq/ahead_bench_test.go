package nfq

import (
	"net"
	"net/netip"
	"testing"

	"dpilab/dpi"
	"dpilab/rules"

	"github.com/stretchr/testify/require"
)

// BenchmarkLoad puts a hundred thousand prefixes into the kernel, half of them IPv6, in place of as many.
func BenchmarkLoad(b *testing.B) {
	w := newWire(b, true)
	c := w.config(accept)
	c.Kernel = KernelAll
	d, _ := w.run(c)
	n := rules.Need{Everything: true, Blocks: []rules.Block{{Prefixes: many(50_000)}}}
	for b.Loop() {
		require.NoError(b, d.decide([]rules.Need{n}))
	}
}

// BenchmarkAhead measures what the kernel's decisions cost and save, on a bridge, the whole testbed in one process: a connection with a
// question and an answer over TCP, and a question and an answer over a UDP socket that is open. With "engine" an engine passes each
// flow at its first packet; with "skips" the kernel does, behind a block of a hundred thousand other prefixes and an interest in as many.
func BenchmarkAhead(b *testing.B) {
	block := []rules.Block{{Prefixes: many(50_000)}}
	some := []rules.Interest{{Ports: []rules.Range{{Min: 443, Max: 443}}, To: many(50_000)}}
	end := rules.Interest{Ports: []rules.Range{{Min: port, Max: port}}}
	for _, c := range []struct {
		name   string
		box    bool
		kernel Kernel
		need   rules.Need
	}{
		{"wire", false, 0, rules.Need{}},
		{"nothing", true, 0, rules.Need{}},
		{"engine", true, KernelOffload, rules.Need{}},
		{"engine behind blocks", true, KernelAll, rules.Need{Blocks: block, Interests: []rules.Interest{end}}},
		{"skips", true, KernelAll, rules.Need{Blocks: block, Interests: some}},
	} {
		open := func(b *testing.B) *wire {
			w := newWire(b, true)
			w.echo(4)
			if c.box {
				x := w.config(func(p dpi.Packet) dpi.Verdict { return dpi.Verdict{ID: p.ID, Offload: dpi.OffloadPass} })
				x.Kernel, x.Need = c.kernel, c.need
				w.run(x)
			}
			return w
		}
		b.Run("TCP/"+c.name, func(b *testing.B) {
			w := open(b)
			to := netip.AddrPortFrom(w.endIP[4], port).String()
			w.in(w.client, func() error { // one thread for all, the cost of entering the namespace once
				for b.Loop() {
					t, err := net.Dial("tcp", to)
					require.NoError(b, err)
					w.ask(t, "hello", "hello")
					require.NoError(b, t.(*net.TCPConn).SetLinger(0))
					require.NoError(b, t.Close())
				}
				return nil
			})
		})
		b.Run("UDP/"+c.name, func(b *testing.B) {
			w := open(b)
			u := w.dialUDP(4)
			for b.Loop() {
				w.ask(u, "hello", "hello")
			}
		})
	}
}
