package probe

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOutcomesSayWhatHappenedAndWhen(t *testing.T) {
	for _, c := range []struct {
		o           Outcome
		long, short string
	}{
		{Outcome{Kind: OK, After: time.Second}, "ok", "ok"},
		{Outcome{Kind: NXDomain, Stage: StageDNS}, "nxdomain", "nxdomain"},
		{Outcome{Kind: Refused, Stage: StageConnect}, "refused", "refused"},
		{Outcome{Kind: Timeout, Stage: StageConnect}, "timeout", "timeout"},
		{Outcome{Kind: Timeout, Stage: StageTunnel}, "timeout after tunnel", "timeout"},
		{Outcome{Kind: Reset, Stage: StageHello, After: 12 * time.Millisecond}, "reset after ClientHello (12 ms)", "reset (CH)"},
		{Outcome{Kind: Closed, Stage: StageRequest, After: 1500 * time.Millisecond}, "closed after request (1.5 s)", "closed (request)"},
		{Outcome{Kind: Silent, Stage: StageHello, After: 3 * time.Second}, "silent after ClientHello", "silent (CH)"},
		{Outcome{Kind: Stalled, Bytes: 16384}, "stalled at 16384 bytes", "stalled"},
		{Outcome{Kind: Throttled, Transfer: &Transfer{Rate: 12.1e6, Line: 50e6}}, "24 % of the line (12.1 Mbit/s)", "24 % of line"},
		{Outcome{Kind: OK, Transfer: &Transfer{Rate: 130e3}}, "130 kbit/s", "130 kbit/s"},
		{Outcome{Kind: OK, Transfer: &Transfer{Rate: 4800}}, "4.8 kbit/s", "4.8 kbit/s"},
		{Outcome{Kind: Loss, Media: &Media{Sent: 150, Received: 43, Jitter: 800 * time.Microsecond}}, "loss 71 %, jitter 0.8 ms", "loss 71 %"},
		{Outcome{Kind: OK, Addrs: []netip.Addr{netip.MustParseAddr("203.0.113.2")}, Host: "meta"}, "resolved to 203.0.113.2 (meta)", "→ meta"},
		{Outcome{Kind: OK, Hops: []string{"isp", "*", "meta"}}, "hops isp * meta", "3 hops"},
		{Outcome{Kind: NoAnswer, Hops: []string{"isp", "border"}}, "no answer after isp border", "no answer"},
		{Outcome{Kind: NoAnswer}, "no answer", "no answer"},
		{Outcome{Kind: Skipped, Detail: "curl is not installed"}, "skipped: curl is not installed", "skipped"},
		{Outcome{Kind: Failed, Detail: "the server answers 404"}, "error: the server answers 404", "error"},
	} {
		require.Equal(t, c.long, c.o.String())
		require.Equal(t, c.short, c.o.Short())
	}
}
