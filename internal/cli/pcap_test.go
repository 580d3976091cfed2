package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const capturedChat = "../../dpi/inspect/testdata/wa_tcp_443.pcap"

func TestPcap(t *testing.T) {
	dir := t.TempDir()
	through := filepath.Join(dir, "through.pcapng")
	code, out, stderr := call(t, "pcap", capturedChat, "--policy", "2026-whatsapp", "--out", through, "--marked")
	require.Zero(t, code, stderr)
	require.Empty(t, stderr)
	require.Contains(t, out, "whatsapp-chat (2026-whatsapp): drop, at packet 4 (#10)")
	require.Contains(t, out, "no rule hit 3 (3 dns)")
	require.NotContains(t, out, "g.whatsapp.net", "only with --verbose")
	require.Contains(t, out, "what happened then")

	// What came out goes in again, from elsewhere; no flow has its opener there.
	code, out, stderr = call(t, "pcap", through, "--policy", "2026-whatsapp", "--inside", "203.0.113.0/24", "--inside", "10.0.0.1", "--json", "--verbose")
	require.Zero(t, code, stderr)
	var report struct {
		Format string
		Flows  []struct{ Client, Opened, Name string }
	}
	require.NoError(t, json.Unmarshal([]byte(out), &report))
	require.Equal(t, "pcapng", report.Format)
	require.Len(t, report.Flows, 4)
	require.Equal(t, "outside", report.Flows[3].Opened)
	require.Equal(t, "198.51.100.2:34738", report.Flows[3].Client)
	require.Equal(t, "g.whatsapp.net", report.Flows[0].Name)
}

// A capture that breaks off is shown as far as it goes.
func TestPcapBroken(t *testing.T) {
	data, err := os.ReadFile(capturedChat)
	require.NoError(t, err)
	broken := filepath.Join(t.TempDir(), "broken.pcap")
	require.NoError(t, os.WriteFile(broken, data[:len(data)-5], 0o644))
	code, out, stderr := call(t, "pcap", broken, "--policy", "2026-whatsapp")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "broken at packet 16 (byte ")
	require.Contains(t, out, "15 packets through the box")
}
