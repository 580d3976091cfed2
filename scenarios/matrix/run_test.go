package matrix

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// statuses are the cells of a result by their names.
func statuses(r *Result) map[string]Status {
	all := map[string]Status{}
	for _, c := range r.Cells {
		all[c.String()] = c.Status
	}
	return all
}

func cellNamed(t *testing.T, r *Result, name string) *Cell {
	t.Helper()
	c, err := r.Cell(name)
	require.NoError(t, err)
	return c
}

// What is blocked without the tool, what leaks and what does not work on its own are told apart, with the reason; and labs at once do not
// change it.
func TestRun(t *testing.T) {
	f := fakeTools()
	names := []string{"direct", "tunnel", "resolver", "liar", "quic", "absent", "dead", "idle"}
	r, err := smallPlan(t, f, []string{"slow", "reset", "silent", "forged"}, names...).Run(t.Context(), Options{Repeat: 1, Seed: 1, Labs: 4, with: f})
	require.NoError(t, err)
	for _, p := range r.Phases {
		require.Empty(t, p.Broken, p.Name)
		require.GreaterOrEqual(t, len(p.Proofs), 2)
	}
	want := map[string]Status{"quic@silent": Blocked, "direct@slow": Degraded}
	for _, phase := range []string{"slow", "reset", "silent", "forged"} {
		for tool, s := range map[string]Status{"direct": Blocked, "tunnel": Open, "resolver": Leak, "liar": Leak, "quic": Skipped, "absent": Skipped, "dead": Broken, "idle": Broken} {
			if _, known := want[tool+"@"+phase]; !known {
				want[tool+"@"+phase] = s
			}
		}
	}
	require.Equal(t, want, statuses(r))
	for name, words := range map[string][]string{
		"direct@slow":     {"% of what it does without a box", "rule names (slow): police to 2.0 Mbit/s", "Source: choice"},
		"direct@reset":    {"reset after ClientHello", "rule names (reset): reset in place of the server's packets, on tcp to site (203.0.113.34:443) at packet "},
		"direct@silent":   {"silent after ClientHello", "drop up"},
		"direct@forged":   {"nxdomain; rule questions (forged): answer that there is no such name, on udp to resolver (203.0.113.80:53) at packet 1, twitter.com"},
		"quic@silent":     {"silent after Initial", "on udp"},
		"quic@reset":      {"does not carry download"},
		"absent@reset":    {"absent is not on PATH"},
		"resolver@silent": {"a question for twitter.com in the clear, to near (198.51.100.54)"},
		"liar@silent":     {"a flow to site itself: tcp 198.51.100.2:"},
		"dead@reset":      {"does not work without a box: dead: exit status 23; the tool's log ends: start 2"},
		"idle@reset":      {"does not go through the tool: its counter did not move"},
	} {
		for _, w := range words {
			require.Contains(t, cellNamed(t, r, name).Why, w, name)
		}
	}
	require.Empty(t, cellNamed(t, r, "tunnel@reset").Why)
	speeds(t, cellNamed(t, r, "tunnel@reset"))
	require.Equal(t, "tunnel 1.0", r.Tools[1].Version)

	// One lab at a time says the same of what could be disturbed.
	few := []string{"direct", "tunnel", "resolver"}
	one, err := smallPlan(t, f, []string{"reset", "silent"}, few...).Run(t.Context(), Options{Repeat: 1, Seed: 1, Labs: 1, with: f})
	require.NoError(t, err)
	for name, s := range statuses(one) {
		require.Equal(t, want[name], s, name)
	}
	packets(t, cellNamed(t, r, "direct@reset"))
}

// speeds are there, of the tool and of what it is compared with.
func speeds(t *testing.T, c *Cell) {
	t.Helper()
	for _, s := range []Spread{c.Goodput, c.Reference, c.Direct, c.Handshake, c.FirstByte} {
		require.Positive(t, s.Low)
		require.LessOrEqual(t, s.Low, s.Median)
		require.LessOrEqual(t, s.Median, s.High)
	}
}

// packets shows that the ClientHello went through and that what the server said came out as a reset.
func packets(t *testing.T, c *Cell) {
	t.Helper()
	for _, f := range c.Runs[0].Flows {
		if f.Transport != "tcp" {
			continue
		}
		require.Equal(t, "site", f.To)
		require.Zero(t, f.Dropped)
		did := map[string]string{}
		for _, p := range f.Packets {
			require.NotEqual(t, "sent", p.Did, "the box sends nothing of its own here: %+v", p)
			did[p.What] = p.Did
			if p.Did != "" {
				require.Equal(t, "names", p.Rule)
			}
		}
		require.Contains(t, did, "SYN")
		require.Empty(t, did["ClientHello twitter.com"])
		require.Contains(t, did, "ClientHello twitter.com")
		for what, d := range did {
			require.False(t, d == "" && len(what) > 11 && what[:11] == "ServerHello", "%s came out as it was", what)
		}
		return
	}
	require.Fail(t, "no TCP flow")
}
