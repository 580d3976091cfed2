package replay

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// No file makes it panic, and what is not broken and not touched comes out as it went in.
func FuzzRun(f *testing.F) {
	policy := policyOf(f, hitsNone)
	f.Add(capture(f, "dns_udp"))
	f.Add(capture(f, "curl"))
	_, ng := replay(f, capture(f, "wa_tcp_443"), Options{Policy: policy, PCAPNG: true})
	f.Add(ng)
	g := &ngFile{order: binary.BigEndian}
	g.section().face(linkSLL2, "\x09").face(linkPPP, "\xbf").block(blockOld, make([]byte, 24))
	f.Add(g.data)
	f.Add(plainPcap().cut(ethernet(udp(client, server, "hello")), 40).data)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		var out bytes.Buffer
		r, err := Run(t.Context(), bytes.NewReader(data), Options{Policy: policy, Out: &out, Flows: 16})
		if r == nil {
			require.Error(t, err)
			return
		}
		var broken *BrokenError
		require.True(t, err == nil || errors.As(err, &broken), err)
		if r.Totals.Dropped+r.Totals.Rewritten+r.Totals.Late+r.Totals.Held == 0 {
			require.True(t, bytes.HasPrefix(data, out.Bytes()))
		}
		var text bytes.Buffer
		require.NoError(t, r.WriteTable(&text, TableOptions{Verbose: true}))
		require.NoError(t, r.WriteJSON(&text))

		marked, err := Run(t.Context(), bytes.NewReader(data), Options{
			Policy: policy, Out: &out, PCAPNG: true, Marked: true, Story: true, Checksums: ChecksumsFixed,
		})
		require.Equal(t, r.Totals.Packets, marked.Totals.Packets)
		require.True(t, err == nil || errors.As(err, &broken), err)
	})
}

// How fast a capture goes through: a file with one packet a flow, and one with long flows.
func BenchmarkRun(b *testing.B) {
	for name, each := range map[string]int{"long flows": 1000, "short flows": 4} {
		b.Run(name, func(b *testing.B) {
			f := plainPcap()
			f.data = append(make([]byte, 0, 60<<20), f.data...)
			payload := string(make([]byte, 1000))
			const n = 50_000
			for i := range n {
				c := client
				c = addrPortOf(c, i/each)
				f.add(ethernet(udp(c, server, payload)))
			}
			policy := shipped(b, "2026-whatsapp")
			b.SetBytes(int64(len(f.data)))
			b.ReportAllocs()
			for b.Loop() {
				_, err := Run(b.Context(), bytes.NewReader(f.data), Options{Policy: policy, Out: io.Discard})
				require.NoError(b, err)
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "packets/s")
		})
	}
}
