package probe

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
)

func TestTraceroutePutsAnswersInOrder(t *testing.T) {
	isp, border, target := netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("198.18.0.2"), netip.MustParseAddr("203.0.113.50")
	known := map[netip.Addr]string{isp: "isp", target: "neutral"}
	names := func(a netip.Addr) string { return known[a] }
	p := trace{target: target}
	require.Empty(t, p.names(names))
	p.add(5, target) // later TTLs reach the target as well
	p.add(3, target)
	p.add(1, isp)
	require.True(t, p.reached())
	require.False(t, p.complete())
	require.Equal(t, []string{"isp", "*", "neutral"}, p.names(names))
	p.add(2, border)
	require.True(t, p.complete())
	require.Equal(t, []string{"isp", "198.18.0.2", "neutral"}, p.names(names))

	cut := trace{target: target}
	cut.add(2, border)
	require.Equal(t, []string{"*", "198.18.0.2"}, cut.names(names))
}

func TestICMPErrorsOfOthersAreNotOurs(t *testing.T) {
	to := netip.MustParseAddr("203.0.113.50")
	inner := make([]byte, 28)
	inner[0] = 0x45
	inner[20], inner[21] = 0x9c, 0x40 // 40000
	inner[22], inner[23] = 0x82, 0x9c // 33436: the third
	m := &icmp.Message{Type: ipv4.ICMPTypeTimeExceeded, Body: &icmp.TimeExceeded{Data: inner}}
	ttl, ok := expiredTTL(m, to, 40000)
	require.True(t, ok)
	require.Equal(t, 3, ttl)
	_, ok = expiredTTL(m, to, 40001)
	require.False(t, ok)
	for n := range inner {
		m.Body = &icmp.TimeExceeded{Data: inner[:n]}
		_, ok = expiredTTL(m, to, 40000)
		require.Equal(t, n >= 24, ok)
	}
	_, ok = expiredTTL(&icmp.Message{Body: &icmp.Echo{}}, to, 40000)
	require.False(t, ok)
}

func TestProgramsSayItByTheirExitCode(t *testing.T) {
	curl := CurlResults()
	require.Equal(t, Outcome{Kind: OK}, OutcomeOf(0, "", curl))
	require.Equal(t, Outcome{Kind: NXDomain}, OutcomeOf(6, "curl: (6) Could not resolve host: a", curl))
	require.Equal(t, Outcome{Kind: Timeout}, OutcomeOf(28, "", curl))
	require.Equal(t, Outcome{Kind: Reset, Stage: StageHello}, OutcomeOf(35, "curl: (35) Recv failure: Connection reset by peer", curl))
	require.Equal(t, Outcome{Kind: Failed, Detail: "exit code 35: curl: (35) wrong version number"}, OutcomeOf(35, "noise\ncurl: (35) wrong version number\n", curl))
	own := []Result{{Exit: 0, Output: "^blocked", Kind: Refused}, {Exit: -1, Output: "slow", Kind: Throttled}}
	require.Equal(t, Refused, OutcomeOf(0, "blocked", own).Kind)
	require.Equal(t, Throttled, OutcomeOf(9, "too slow", own).Kind)
	require.Equal(t, OK, OutcomeOf(0, "not blocked", own).Kind)
}

func TestOutputIsBounded(t *testing.T) {
	var l limited
	for range 40 {
		n, err := l.Write(make([]byte, maxOutput/16))
		require.NoError(t, err)
		require.Equal(t, maxOutput/16, n)
	}
	require.Equal(t, maxOutput, l.Len())
}
