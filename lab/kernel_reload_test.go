package lab

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi/nfq"
	"dpilab/dpi/trace"
)

// The kernel blocks what a new policy blocks once the last flow of the policy before is forgotten, not sooner, and a dead box blocks nothing.
func TestKernelBlocksWhenNoOldFlowIsLeft(t *testing.T) {
	p := openPath(t, PathOptions{Skip: true, unwatched: true}, trace.Element{Policy: policyOf(t, ruleText("when: {to: 198.18.5.0/24, port: 81}, do: {drop: up}"))})
	wall := policyOf(t, ruleText("when: {to: [203.0.113.0/24, 198.18.5.0/24]}, do: {drop: both}"))
	require.Len(t, wall.Need().Blocks, 1)
	packet := ip4(17, 64, 0, nil, udpBytes(9)) // to 203.0.113.2
	echo := ip4(1, 64, 0, nil, []byte{8, 0, 1, 2, 3, 4, 5, 6})
	passes := func(packet []byte) bool {
		out, err := p.Send([]trace.Sent{{Data: packet}})
		require.NoError(t, err)
		return len(out) == 1
	}
	counters := func() nfq.Counters {
		n, err := p.boxes[0].box.Counters()
		require.NoError(t, err)
		return n
	}
	require.True(t, passes(packet))
	require.NotZero(t, counters().Skipped)
	require.True(t, passes(echo), "this one the engine remembers")
	require.NoError(t, p.SetPolicy("", wall))
	for range 3 {
		time.Sleep(400 * time.Millisecond)
		require.True(t, passes(packet), "old flows go on")
		require.True(t, passes(echo))
		require.False(t, passes(fromPort(packet, 7)))
	}
	require.Zero(t, counters().Blocked)
	require.NotZero(t, counters().Dropped)
	_, err := p.Wait(time.Hour)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return !passes(fromPort(packet, 8)) && counters().Blocked > 0 }, 10*time.Second, 50*time.Millisecond)
	dropped := counters().Dropped
	require.False(t, passes(packet))
	require.False(t, passes(echo))
	require.Equal(t, dropped, counters().Dropped)

	require.NoError(t, p.Power("", false))
	require.True(t, passes(packet))
	require.NoError(t, p.Power("", true))
	require.False(t, passes(packet))
	require.Equal(t, uint64(1), counters().Blocked)
}
