package scenarios

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"

	"dpilab/dpi"
	"dpilab/rules"
)

func TestTraceroutePutsAnswersInOrder(t *testing.T) {
	isp, border, target := netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("198.18.0.2"), netip.MustParseAddr("203.0.113.50")
	names := map[netip.Addr]string{isp: "isp", target: "neutral"}
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
	curl := curlResults()
	require.Equal(t, Outcome{Kind: OK}, outcomeOf(0, "", curl))
	require.Equal(t, Outcome{Kind: NXDomain}, outcomeOf(6, "curl: (6) Could not resolve host: a", curl))
	require.Equal(t, Outcome{Kind: Timeout}, outcomeOf(28, "", curl))
	require.Equal(t, Outcome{Kind: Reset, Stage: StageHello}, outcomeOf(35, "curl: (35) Recv failure: Connection reset by peer", curl))
	require.Equal(t, Outcome{Kind: Failed, Detail: "exit code 35: curl: (35) wrong version number"}, outcomeOf(35, "noise\ncurl: (35) wrong version number\n", curl))
	own := []Result{{Exit: 0, Output: "^blocked", Is: Expectation{Kind: Refused}}, {Exit: -1, Output: "slow", Is: Expectation{Kind: Throttled}}}
	require.Equal(t, Refused, outcomeOf(0, "blocked", own).Kind)
	require.Equal(t, Throttled, outcomeOf(9, "too slow", own).Kind)
	require.Equal(t, OK, outcomeOf(0, "not blocked", own).Kind)
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

// The reason of an outcome is the first hit on one of the probe's own sockets, and nobody else's.
func TestWhyIsFoundByTheSocket(t *testing.T) {
	server := netip.MustParseAddrPort("203.0.113.2:443")
	hit := func(port uint16, m rules.Mechanism, name string) dpi.Event {
		return dpi.Event{
			Kind: dpi.EventHit, Packet: 4, Rule: &rules.Rule{Name: name, Policy: "p", Do: rules.Do{Mechanism: m}, Source: rules.Source{Ref: "choice"}},
			Flow: dpi.FlowID{Transport: 6, Inside: netip.AddrPortFrom(netip.MustParseAddr("198.51.100.2"), port), Outside: server},
		}
	}
	a := newAttempt(&Probe{Name: "a", Kind: ProbeHTTPS, Host: "web.whatsapp.com"}, Expectations{must(t, "silent")}, nil)
	a.note(socket{transport: 6, port: 1001}, server.Addr())
	b := newAttempt(&Probe{Name: "b", Kind: ProbeHTTPS, Host: "example.org"}, expectOK, nil)
	b.note(socket{transport: 6, port: 1002}, server.Addr())
	r := &recorder{phase: "full", log: newEventLog(nil)}
	r.know([]*attempt{a, nil, b})
	r.see("box", hit(1003, rules.MechanismDrop, "other"))
	r.see("box", hit(1001, rules.MechanismPass, "passes"))
	r.see("box", hit(1001, rules.MechanismDrop, "mine"))
	r.see("box", hit(1001, rules.MechanismDrop, "later"))

	phase := Phase{Name: "full", Remove: []string{"whatsapp.com"}}
	c := r.cell(a, phase, Outcome{Kind: Silent, Stage: StageHello})
	require.True(t, c.AsExpected)
	require.Equal(t, "mine (p): drop both ways. Source: choice", c.Why.String())
	require.Equal(t, "tcp 198.51.100.2:1001 → 203.0.113.2:443", c.Why.Flow)

	require.Nil(t, r.cell(b, phase, Outcome{Kind: Silent}).Why)
	gone := r.cell(a, phase, Outcome{Kind: NXDomain})
	require.Equal(t, "the national resolver, which does not know whatsapp.com any more", gone.Why.String())
}
