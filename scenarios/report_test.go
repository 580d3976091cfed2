package scenarios

import (
	"bytes"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/nfq"
	"dpilab/lab/probe"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(file, got, 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

// fixed is a report that has every sort of cell.
func fixed(t *testing.T) *Report {
	t.Helper()
	cell := func(o probe.Outcome, phrases ...string) Cell {
		var want Expectations
		for _, p := range phrases {
			want = append(want, must(t, p))
		}
		return Cell{Tried: true, Outcome: o, Expected: want, AsExpected: want.Hold(o)}
	}
	because := func(c Cell, w Why) Cell {
		c.Why = &w
		return c
	}
	names := Why{
		Rule: "whatsapp-names-tls", Policy: "2026-whatsapp", Mechanism: "drop up", Source: "FOCI25-data (P)",
		Name: "web.whatsapp.com", Packet: 4, Flow: "tcp 198.51.100.2:40000 → 203.0.113.2:443",
	}
	ok := probe.Outcome{Kind: probe.OK, After: 40 * time.Millisecond}
	rate := func(kind probe.Kind, mbit float64) probe.Outcome {
		return probe.Outcome{Kind: kind, After: time.Second, Transfer: &probe.Transfer{Bytes: 2 << 20, Rate: mbit * 1e6, Line: 50e6, Tries: 1}}
	}
	silent := probe.Outcome{Kind: probe.Silent, Stage: probe.StageHello, After: 3 * time.Second}
	return &Report{
		Scenario: "small", About: "A report with a cell of every sort", Lab: "subscriber", Seed: 7,
		Started: time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC), Took: 12300 * time.Millisecond,
		Phases: []PhaseReport{
			{Name: "before", Date: "2025-07-01", Policy: "2025-home", Took: 5 * time.Second},
			{Name: "full", Date: "2026-02-12", Policy: "2026-whatsapp", Removed: []string{"whatsapp.com"}, Took: 7300 * time.Millisecond,
				Boxes: []BoxReport{{"box", nfq.Counters{Queued: 5, Received: 900, OffloadedPass: 12000, OffloadedDrop: 7, Accepted: 700, Dropped: 190, Rewritten: 10}}}},
		},
		Probes: []ProbeReport{
			{Name: "WhatsApp web", Type: probe.TypeHTTPS, Target: "web.whatsapp.com", Cells: []Cell{
				cell(ok, "ok"), because(cell(silent, "silent after ClientHello"), names),
			}},
			{Name: "Public resolver", Type: probe.TypeDNS, Target: "web.whatsapp.com", Cells: []Cell{
				cell(probe.Outcome{Kind: probe.OK, Addrs: []netip.Addr{netip.MustParseAddr("203.0.113.2")}, Host: "meta"}, "resolved to meta"),
				because(cell(probe.Outcome{Kind: probe.NXDomain, Stage: probe.StageDNS}, "nxdomain"), Why{Removed: "whatsapp.com"}),
			}},
			{Name: "Media", Type: probe.TypeDownload, Target: "mmg.whatsapp.net", Cells: []Cell{
				cell(rate(probe.OK, 47.5), "ok"), because(cell(rate(probe.Throttled, 12.1), "ok", "silent"), names),
			}},
			{Name: "Call", Type: probe.TypeCall, Target: "call.whatsapp.net", Cells: []Cell{
				cell(probe.Outcome{Kind: probe.Loss, Media: &probe.Media{Sent: 150, Received: 43, Jitter: 800 * time.Microsecond}}, "loss > 30 %"), {},
			}},
			{Name: "X", Type: probe.TypeHTTPS, Target: "x.com", Cells: []Cell{
				{}, cell(probe.Outcome{Kind: probe.Reset, Stage: probe.StageHello, After: 22 * time.Millisecond}, "reset after ClientHello"),
			}},
			{Name: "Way", Type: probe.TypeTraceroute, Target: "example.org", Cells: []Cell{
				cell(probe.Outcome{Kind: probe.OK, Hops: []string{"isp", "border", "neutral"}}, "hops isp border neutral"), {},
			}},
			{Name: "curl", Type: probe.TypeExec, Target: "curl https://example.org", Control: true, Cells: []Cell{
				cell(probe.Outcome{Kind: probe.Skipped, Detail: "curl is not installed"}, "ok"), cell(probe.Outcome{Kind: probe.Skipped, Detail: "curl is not installed"}, "ok"),
			}},
			{Name: "Max", Type: probe.TypeHTTPS, Target: "max.ru", Control: true, Cells: []Cell{cell(ok, "ok"), cell(ok, "ok")}},
		},
	}
}

func TestTable(t *testing.T) {
	for name, o := range map[string]TableOptions{
		"table.txt": {}, "table-narrow.txt": {Width: 40}, "table-colour.txt": {Colour: true},
	} {
		var b bytes.Buffer
		require.NoError(t, fixed(t).WriteTable(&b, o))
		golden(t, name, b.Bytes())
	}
}

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, fixed(t).WriteJSON(&b))
	golden(t, "report.json", b.Bytes())
}

func TestJUnit(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, fixed(t).WriteJUnit(&b))
	golden(t, "junit.xml", b.Bytes())
}

func TestSummary(t *testing.T) {
	r := fixed(t)
	require.Equal(t, Summary{Tried: 11, AsExpected: 10, Skipped: 2}, r.Summary())
	require.False(t, r.OK())
	require.True(t, r.phaseAsExpected(0), "what was skipped is no failure")
	require.False(t, r.phaseAsExpected(1))
	require.False(t, (&Report{}).OK(), "nothing tried is no success")
}
