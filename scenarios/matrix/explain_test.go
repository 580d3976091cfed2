package matrix

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExplainWithoutCaptures(t *testing.T) {
	s, err := small().Explain("curl@2025-freeze", ExplainOptions{})
	require.NoError(t, err)
	require.Equal(t, 3, s.Try, "the first that failed")
	require.Equal(t, 1, s.Which, "the flow that a rule hit")
	require.Empty(t, s.Rerun)
	var b bytes.Buffer
	require.NoError(t, s.WriteText(&b, TableOptions{}))
	golden(t, "explain.txt", b.Bytes())
}

func TestExplainChooses(t *testing.T) {
	s, err := small().Explain("curl@2025-freeze", ExplainOptions{Try: 1, Flow: 2})
	require.NoError(t, err)
	require.Equal(t, "udp 198.51.100.2:53211 → 192.0.2.53:53", s.Flow.name())
	for want, o := range map[string]ExplainOptions{"curl@2025-freeze has tries 1 to 3, and no try 4": {Try: 4}, "try 1 has flows 1 to 2, and no flow 3": {Try: 1, Flow: 3}} {
		_, err := small().Explain("curl@2025-freeze", o)
		require.ErrorContains(t, err, want)
	}
	_, err = small().Explain("xray-reality@2026-home", ExplainOptions{})
	require.ErrorContains(t, err, "xray-reality@2026-home was not tried: xray is not installed")
	_, err = small().Explain("curl@2025-freese", ExplainOptions{})
	require.ErrorContains(t, err, `did you mean "2025-freeze"?`)

	r := small()
	r.Cells[0].Runs[0].Kept = "curl@2022-paper/1"
	s, err = r.Explain("curl@2022-paper", ExplainOptions{Folder: t.TempDir()})
	require.NoError(t, err)
	require.Contains(t, s.Notes[0], "the captures are not there")
	require.Len(t, s.Steps, 7, "told from the result")
}

// Boxes that run again over what was captured decide as they did, and say what they read.
func TestExplainFromCaptures(t *testing.T) {
	f := fakeTools()
	dir := t.TempDir()
	r, err := smallPlan(t, f, []string{"reset", "silent", "forged"}, "direct", "tunnel").Run(t.Context(), Options{Repeat: 1, Seed: 1, Keep: dir, with: f})
	require.NoError(t, err)
	told := map[string]*Story{}
	for i := range r.Cells {
		c := &r.Cells[i]
		s, err := r.Explain(c.String(), ExplainOptions{Folder: dir, Scenario: "testdata/small/scenario.yaml"})
		require.NoError(t, err)
		require.NotEmpty(t, s.Rerun, "%s: %q", c, s.Notes)
		require.Empty(t, s.Notes, c.String())
		told[c.String()] = s
		requireAsSeen(t, s)
		require.NoError(t, s.WriteText(&bytes.Buffer{}, TableOptions{}))
	}
	hello := stepThat(t, told["direct@reset"], "ClientHello twitter.com")
	require.Contains(t, hello.Read, "the name twitter.com, which is on a list of the policy")
	require.Contains(t, hello.Decided[0], "rule names: reset in place of the server's packets")
	require.Contains(t, hello.Decided[1], "source: choice (policy reset, line 10)")
	reset := stepThat(t, told["direct@reset"], "ServerHello")
	require.Equal(t, []string{"rewritten", "names"}, []string{reset.Did, reset.Rule})
	require.Contains(t, reset.What, " → RST")
	require.Equal(t, "dropped", stepThat(t, told["direct@silent"], "ClientHello twitter.com").Did)
	require.Contains(t, stepThat(t, told["direct@forged"], "DNS? twitter.com A").Decided[0], "answer that there is no such name")
	for _, s := range told["tunnel@reset"].Steps {
		require.Empty(t, s.Did+s.Rule)
	}
}

// requireAsSeen compares what the boxes now do with packets of the flow with what the run saw.
func requireAsSeen(t *testing.T, s *Story) {
	t.Helper()
	count := func(did string) (now, then int) {
		for i := range s.Steps {
			if s.Steps[i].Did == did {
				now++
			}
		}
		for _, p := range s.Flow.Packets {
			if p.Did == did && p.Rule != "" { // without one, the captures of both ends only do not fit together
				then++
			}
		}
		return now, then
	}
	for _, did := range []string{"dropped", "rewritten", "sent"} {
		now, then := count(did)
		require.Equal(t, then > 0, now > 0, "%s, %s: %d now, %d then", s.Cell, did, now, then)
	}
}

// stepThat gives the first step whose packet begins so.
func stepThat(t *testing.T, s *Story, what string) *Step {
	t.Helper()
	for i := range s.Steps {
		if strings.HasPrefix(s.Steps[i].What, what) {
			return &s.Steps[i]
		}
	}
	require.Fail(t, "no such packet", "%s in %+v", what, s.Steps)
	return nil
}
