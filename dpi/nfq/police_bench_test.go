package nfq

import (
	"io"
	"testing"
	"time"

	"dpilab/dpi"
	"dpilab/rules"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/stretchr/testify/require"
)

// BenchmarkPolicers sends one TCP flow for some seconds through the engine's bucket and through nftables' limit with the same rate and
// the same depth (its burst is what is above one second of the rate), as doc.go compares them. "got" is what arrived of what rate and
// depth allow, in percent; "refused" the packets that were dropped, and "large" those of more than 1500 bytes that met the limit.
func BenchmarkPolicers(b *testing.B) {
	const rate, depth, seconds = 125_000, 250_000, 5 // bytes
	for _, kernel := range []bool{false, true} {
		b.Run(map[bool]string{false: "engine", true: "nft limit"}[kernel], func(b *testing.B) {
			for range b.N {
				w := newWire(b, true)
				c := w.config(accept)
				if !kernel {
					policy := compiled(b, "rules: [{rule: p, when: {transport: tcp, port: 4443}, do: {police: 1mbit, burst: 250KB}, source: {ref: choice}}]\n")
					c.Engines = func(int) Engine { return dpi.New(dpi.Options{Policy: policy}) }
				}
				d, stop := w.run(c)
				read := func() (large, refused uint64) { return 0, w.counters(d).Dropped }
				if kernel {
					read = w.limit(rate, depth-rate)
				}
				from, to := w.pipe(b)
				go func() {
					chunk := make([]byte, 64<<10)
					for {
						if _, err := from.Write(chunk); err != nil {
							return
						}
					}
				}()
				require.NoError(b, to.SetReadDeadline(time.Now().Add(seconds*time.Second)))
				n, _ := io.Copy(io.Discard, to)
				require.NotZero(b, n)
				large, refused := read()
				b.ReportMetric(float64(n)*100/(depth+rate*seconds), "%got")
				b.ReportMetric(float64(refused), "refused")
				b.ReportMetric(float64(large), "large")
				require.NoError(b, from.SetLinger(0))
				require.NoError(b, from.Close())
				stop()
			}
		})
	}
}

func compiled(t testing.TB, text string) *rules.Compiled {
	p, err := rules.Parse("test.yaml", []byte("policy: test\ndate: 2026-01-01\nabout: test\n"+text), nil)
	require.NoError(t, err)
	c, err := p.Compile()
	require.NoError(t, err)
	return c
}

// limit polices TCP to the echo port in the kernel. It gives what reads the packets that were large, and those that were dropped.
func (w *wire) limit(rate, burst uint32) func() (large, dropped uint64) {
	conn, err := nftables.New(nftables.WithNetNSFd(int(w.box)))
	require.NoError(w.t, err)
	table := conn.AddTable(&nftables.Table{Name: "limit", Family: nftables.TableFamilyINet})
	priority := nftables.ChainPriority(-5)
	chain := conn.AddChain(&nftables.Chain{Name: "limit", Table: table, Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookForward, Priority: &priority})
	for _, name := range []string{"large", "refused"} {
		conn.AddObj(&nftables.NamedObj{Table: table, Name: name, Type: nftables.ObjTypeCounter, Obj: &expr.Counter{}})
	}
	to := append(metaIs(expr.MetaKeyL4PROTO, []byte{6}), load(expr.PayloadBaseTransportHeader, 2, 2, 1),
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{port >> 8, port & 0xff}})
	more := []expr.Any{&expr.Meta{Key: expr.MetaKeyLEN, Register: 1}, &expr.Byteorder{SourceRegister: 1, DestRegister: 1, Op: expr.ByteorderHton, Len: 4, Size: 4},
		&expr.Cmp{Op: expr.CmpOpGt, Register: 1, Data: []byte{0, 0, 1500 >> 8, 1500 & 0xff}}}
	rule := func(parts ...[]expr.Any) {
		a := attachment{conn: conn, table: table}
		a.rule(chain, parts...)
	}
	rule(to, more, count("large"))
	rule(to, []expr.Any{&expr.Limit{Type: expr.LimitTypePktBytes, Rate: uint64(rate), Unit: expr.LimitTimeSecond, Burst: burst, Over: true}},
		count("refused"), verdict(expr.VerdictDrop))
	require.NoError(w.t, conn.Flush())
	return func() (large, dropped uint64) {
		objects, err := conn.GetNamedObjects(table)
		require.NoError(w.t, err)
		all := map[string]uint64{}
		for _, o := range objects {
			n := o.(*nftables.NamedObj)
			all[n.Name] = n.Obj.(*expr.Counter).Packets
		}
		return all["large"], all["refused"]
	}
}
