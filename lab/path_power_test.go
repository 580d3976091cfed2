package lab

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/nfq"
	"dpilab/dpi/trace"
)

// port gives the packet another source port: another flow.
func fromPort(packet []byte, port byte) []byte {
	b := append([]byte(nil), packet...)
	b[21] = port
	return b
}

const wallText = "rules:\n  - {rule: all, when: {to: [0.0.0.0/0]}, do: {drop: both}, source: {ref: choice}}\n"

// A dead box is a wire where it fails open and a cut where it fails closed, also where a later policy says so (O022).
// Back again, it remembers its flows.
func TestPathPower(t *testing.T) {
	open, closed := policyOf(t, wallText), policyOf(t, "profile: {fail: closed}\n"+wallText)
	packet := ip4(17, 64, 0, nil, udpBytes(9))
	p := openPath(t, PathOptions{}, trace.Element{Name: "calm", Policy: policyOf(t, harmless)}, trace.Element{Policy: open})
	passes := func(packet []byte) bool {
		out, err := p.Send([]trace.Sent{{Data: packet}})
		require.NoError(t, err)
		return len(out) == 1
	}
	require.False(t, passes(packet))
	require.NoError(t, p.Power("", false))
	require.True(t, passes(packet))
	require.NoError(t, p.Power("", false))
	require.NoError(t, p.Power("", true))
	require.False(t, passes(packet))

	require.NoError(t, p.SetPolicy("", closed))
	require.NoError(t, p.Power("", false))
	require.False(t, passes(packet))
	require.False(t, passes(fromPort(packet, 7)))
	require.NoError(t, p.Power("", true))
	require.NoError(t, p.SetPolicy("", policyOf(t, harmless)))
	require.False(t, passes(packet), "an open flow keeps its policy")
	require.True(t, passes(fromPort(packet, 8)))
	require.ErrorContains(t, p.SetPolicy("none", open), `no box "none"`)
}

// A new policy is for flows that open from then on (O023): those that are open keep the old one, passed or dropped, whether the kernel
// keeps them or not. Each box has a policy of its own.
func TestPathPolicies(t *testing.T) {
	for name, o := range map[string]PathOptions{"offloaded": {}, "every packet": {Without: nfq.KernelAll}} {
		t.Run(name, func(t *testing.T) {
			calm, wall := policyOf(t, harmless), policyOf(t, wallText)
			p := openPath(t, o, trace.Element{Name: "a", Policy: calm}, trace.Element{Name: "b", Policy: calm})
			packet := ip4(17, 64, 0, nil, udpBytes(9))
			passes := func(port byte) bool {
				out, err := p.Send([]trace.Sent{{Data: fromPort(packet, port)}})
				require.NoError(t, err)
				return len(out) == 1
			}
			for range 10 {
				require.True(t, passes(1))
			}
			require.NoError(t, p.SetPolicy("b", wall))
			require.True(t, passes(1))
			require.False(t, passes(2))
			require.NoError(t, p.SetPolicy("b", calm))
			require.False(t, passes(2))
			require.True(t, passes(3))
			require.NoError(t, p.SetPolicy("a", wall))
			require.True(t, passes(3))
			require.False(t, passes(4))
			counters, err := p.boxes[1].box.Counters()
			require.NoError(t, err)
			require.Zero(t, counters.Refused)
		})
	}
}

// Waiting is real.
func TestPathWaits(t *testing.T) {
	p := openPath(t, PathOptions{}, trace.Element{Policy: policyOf(t, harmless)})
	packet := ip4(17, 64, 0, nil, udpBytes(9))
	at := time.Now()
	out, err := p.Send([]trace.Sent{{Data: packet}, {Data: packet, After: 30 * time.Millisecond}})
	require.NoError(t, err)
	require.Len(t, out, 2)
	require.GreaterOrEqual(t, time.Since(at), 30*time.Millisecond)
	out, err = p.Wait(20 * time.Millisecond)
	require.NoError(t, err)
	require.Empty(t, out)
	require.GreaterOrEqual(t, time.Since(at), 50*time.Millisecond)
}
