package oracle

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dpilab/lab"
)

// Behind each shipped policy the oracle names it, and the box hit what the signature gives as the reason.
func TestEveryPolicyIsNamed(t *testing.T) {
	if err := lab.Missing(); err != nil {
		t.Skip(err)
	}
	var mu sync.Mutex
	hits := map[[2]string]bool{}
	o := Options{Seed: 1, onHit: func(policy, rule string) {
		mu.Lock()
		defer mu.Unlock()
		hits[[2]string{policy, rule}] = true
	}}
	if testing.Short() {
		o.Policies = []string{"2022-isp", "2025-freeze", "2026-fingerprint", OpenLine}
	}
	report, err := Run(t.Context(), o)
	require.NoError(t, err)
	var table bytes.Buffer
	require.NoError(t, report.WriteTable(&table))
	t.Logf("\n%s", &table)
	all, err := Signatures()
	require.NoError(t, err)
	for _, g := range report.Guesses {
		require.True(t, g.Named, "%s: %v", g.Policy, g.Verdict.Policies)
		i := slices.IndexFunc(all, func(s Signature) bool { return s.Policy == g.Policy })
		for test, entry := range all[i].sees {
			if !slices.Contains(entry.words, Open) {
				assert.True(t, hits[[2]string{g.Policy, entry.rule.Name}], "%s says that %s follows from rule %s, which hit nothing", g.Policy, test, entry.rule.Name)
			}
		}
	}
}

func TestRunEndsWithTheContext(t *testing.T) {
	if err := lab.Missing(); err != nil {
		t.Skip(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	_, err := Run(ctx, Options{Policies: []string{OpenLine}, Progress: func(string, int, int) { cancel(enough) }})
	require.ErrorIs(t, err, enough)
}

func TestRunRefusesWhatIsNoPolicy(t *testing.T) {
	_, err := Run(t.Context(), Options{Policies: []string{"2022-papers"}})
	require.ErrorContains(t, err, "2022-paper")
}
