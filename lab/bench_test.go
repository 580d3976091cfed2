package lab

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/nfq"
	"dpilab/rules"
)

const fastWire = `topology: fast
about: two hosts and a box, as fast as it goes
hosts:
  client: {resolver: resolver}
  max: {names: [max.ru], serves: [http]}
  resolver: {serves: [{dns: resolver}]}
routers: {isp: {}, border: {}}
boxes: {box: {}}
links:
  - link: access
    ends: {client: [198.51.100.2/30, "2001:db8:1::2/64"], isp: [198.51.100.1/30, "2001:db8:1::1/64"]}
  - link: uplink
    ends: {isp: [198.18.0.1/30, "2001:db8:3::1/64"], border: [198.18.0.2/30, "2001:db8:3::2/64"]}
    box: box
  - link: max
    ends: {border: [203.0.113.1/29, "2001:db8:4::1/64"], max: [203.0.113.2/29, "2001:db8:4::2/64"]}
  - link: resolver
    ends: {border: [203.0.113.9/29, "2001:db8:5::1/64"], resolver: [203.0.113.10/29, "2001:db8:5::2/64"]}
`

// BenchmarkDownload gets a gigabyte over plain HTTP through the bare wire, through a box that offloads, and through one that
// does not: MB/s, and what share of the packets reached userspace. Client, server, box and kernel share the processors.
func BenchmarkDownload(b *testing.B) {
	if err := Missing(); err != nil {
		b.Skip(err)
	}
	top, err := ParseTopology("fast.yaml", []byte(fastWire))
	require.NoError(b, err)
	l, err := Build(b.Context(), top, Options{})
	require.NoError(b, err)
	defer l.Close()
	s, err := l.Serve(context.Background())
	require.NoError(b, err)
	defer s.Close()
	p, err := rules.Shipped("2025-home")
	require.NoError(b, err)
	policy, err := p.Compile()
	require.NoError(b, err)
	const size = 1e9
	for _, mode := range []string{"wire", "offloaded", "queued"} {
		b.Run(mode, func(b *testing.B) {
			var box *Box
			if mode != "wire" {
				o := BoxOptions{Policy: policy}
				if mode == "queued" {
					o.Without = nfq.KernelAll
				}
				box, err = l.StartBox("box", o)
				require.NoError(b, err)
				defer box.Close()
			}
			b.SetBytes(size)
			for b.Loop() {
				n, err := get(client(l, s), fmt.Sprintf("http://max.ru/download?bytes=%d", int(size)))
				require.NoError(b, err)
				require.EqualValues(b, size, n)
			}
			if box == nil {
				return
			}
			c, err := box.Counters()
			require.NoError(b, err)
			b.ReportMetric(float64(c.Received), "queued-packets")
			b.ReportMetric(100*float64(c.QueuedBytes)/float64(c.QueuedBytes+c.OffloadedPassBytes), "%queued-bytes")
		})
	}
}
