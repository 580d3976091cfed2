package scenarios

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/dpi"
	"dpilab/lab/probe"
	"dpilab/rules"
)

// The reason of an outcome is the first hit on one of the probe's own sockets, and nobody else's.
func TestWhyIsFoundByTheSocket(t *testing.T) {
	server := netip.MustParseAddrPort("203.0.113.2:443")
	hit := func(port uint16, m rules.Mechanism, name string) dpi.Event {
		return dpi.Event{
			Kind: dpi.EventHit, Packet: 4, Rule: &rules.Rule{Name: name, Policy: "p", Do: rules.Do{Mechanism: m}, Source: rules.Source{Ref: "choice"}},
			Flow: dpi.FlowID{Transport: 6, Inside: netip.AddrPortFrom(netip.MustParseAddr("198.51.100.2"), port), Outside: server},
		}
	}
	a := newAttempt(&Probe{Probe: probe.Probe{Name: "a", Type: probe.TypeHTTPS, Host: "web.whatsapp.com"}}, Expectations{must(t, "silent")}, nil)
	a.note(probe.Socket{Transport: 6, Port: 1001, To: server.Addr()})
	b := newAttempt(&Probe{Probe: probe.Probe{Name: "b", Type: probe.TypeHTTPS, Host: "example.org"}}, expectOK, nil)
	b.note(probe.Socket{Transport: 6, Port: 1002, To: server.Addr()})
	r := &recorder{phase: "full", log: newEventLog(nil)}
	r.know([]*attempt{a, nil, b})
	r.see("box", hit(1003, rules.MechanismDrop, "other"))
	r.see("box", hit(1001, rules.MechanismPass, "passes"))
	r.see("box", hit(1001, rules.MechanismDrop, "mine"))
	r.see("box", hit(1001, rules.MechanismDrop, "later"))

	phase := Phase{Name: "full", Remove: []string{"whatsapp.com"}}
	c := r.cell(a, phase, probe.Outcome{Kind: probe.Silent, Stage: probe.StageHello})
	require.True(t, c.AsExpected)
	require.Equal(t, "mine (p): drop both ways. Source: choice", c.Why.String())
	require.Equal(t, "tcp 198.51.100.2:1001 → 203.0.113.2:443", c.Why.Flow)

	require.Nil(t, r.cell(b, phase, probe.Outcome{Kind: probe.Silent}).Why)
	gone := r.cell(a, phase, probe.Outcome{Kind: probe.NXDomain})
	require.Equal(t, "the national resolver, which does not know whatsapp.com any more", gone.Why.String())
}
