package dpi

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/rules"
)

// An engine has settled when the last flow of an earlier policy is forgotten, and what such a flow left behind for others.
func TestSettled(t *testing.T) {
	const (
		nothing  = "- {rule: none, when: {port: 1}, do: {drop: both}, source: {ref: choice}}\n"
		learning = "- {rule: l, when: {port: 443}, do: {learn: server port, after: 1m, then: {drop: both}}, source: {ref: choice}}\n"
		holding  = "- {rule: h, when: {port: 443}, do: {drop: up, residual: 2h, hold: server}, source: {ref: choice}}\n"
	)
	idle := policyOf(t, nothing).Profile.TCPIdle + time.Second
	for policy, left := range map[string]time.Duration{nothing: idle, learning: time.Minute + lessonLife, holding: 2 * time.Hour} {
		w := newWire(t, policy)
		w.send(rules.Up, syn, nil)
		require.True(t, w.engine.Settled(), "one policy alone")
		again := policyOf(t, nothing)
		w.engine.SetPolicy(again)
		require.False(t, w.engine.Settled(), policy)
		w.flow().send(rules.Up, syn, nil) // under the new one, or what is left of the old one
		w.wait(left - 2*time.Second)
		w.engine.Advance(w.now, nil)
		require.False(t, w.engine.Settled(), policy)
		w.wait(idle)
		for range 10 {
			w.engine.Advance(w.now, nil)
		}
		require.True(t, w.engine.Settled(), policy)
	}
}
