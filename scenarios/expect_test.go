package scenarios

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/lab/probe"
)

func must(t *testing.T, text string) Expectation {
	t.Helper()
	e, err := ParseExpectation(text)
	require.NoError(t, err)
	return e
}

func TestExpectationsHold(t *testing.T) {
	share := func(percent float64) probe.Outcome {
		return probe.Outcome{Kind: probe.OK, Transfer: &probe.Transfer{Rate: percent, Line: 100}}
	}
	loss := func(received int) probe.Outcome {
		return probe.Outcome{Kind: probe.Loss, Media: &probe.Media{Sent: 100, Received: received}}
	}
	resolved := probe.Outcome{Kind: probe.OK, Host: "meta", Addrs: []netip.Addr{netip.MustParseAddr("203.0.113.2")}}
	hops := probe.Outcome{Kind: probe.OK, Hops: []string{"isp", "border", "neutral"}}
	for _, c := range []struct {
		text     string
		holds    []probe.Outcome
		holdsNot []probe.Outcome
	}{
		{"ok", []probe.Outcome{{Kind: probe.OK}, resolved, hops, share(96)}, []probe.Outcome{{Kind: probe.NXDomain}, {Kind: probe.Throttled}, {Kind: probe.Loss}, {Kind: probe.Skipped}, {}}},
		{"no answer", []probe.Outcome{{Kind: probe.NoAnswer}, {Kind: probe.NoAnswer, Stage: probe.StageSTUN}}, []probe.Outcome{{Kind: probe.Silent}, {Kind: probe.Timeout}}},
		{"reset", []probe.Outcome{{Kind: probe.Reset, Stage: probe.StageHello}, {Kind: probe.Reset}}, []probe.Outcome{{Kind: probe.Refused}}},
		{"reset after ClientHello", []probe.Outcome{{Kind: probe.Reset, Stage: probe.StageHello, After: time.Second}}, []probe.Outcome{{Kind: probe.Reset, Stage: probe.StageRequest}}},
		{"silent after Initial", []probe.Outcome{{Kind: probe.Silent, Stage: probe.StageInitial}}, []probe.Outcome{{Kind: probe.Silent, Stage: probe.StageHello}, {Kind: probe.Stalled, Stage: probe.StageInitial}}},
		{"timeout", []probe.Outcome{{Kind: probe.Timeout, Stage: probe.StageConnect}}, []probe.Outcome{{Kind: probe.Silent, Stage: probe.StageConnect}}},
		{"stalled", []probe.Outcome{{Kind: probe.Stalled, Bytes: 1}}, []probe.Outcome{{Kind: probe.Silent}}},
		{"stalled at 14000..24000 bytes", []probe.Outcome{{Kind: probe.Stalled, Bytes: 14000}, {Kind: probe.Stalled, Bytes: 24000}},
			[]probe.Outcome{{Kind: probe.Stalled, Bytes: 13999}, {Kind: probe.Silent, Bytes: 15000}}},
		{"stalled at 16384 bytes", []probe.Outcome{{Kind: probe.Stalled, Bytes: 16384}}, []probe.Outcome{{Kind: probe.Stalled, Bytes: 16385}}},
		{"loss > 30 %", []probe.Outcome{loss(69), loss(0)}, []probe.Outcome{loss(70), loss(100), {Kind: probe.NoAnswer}}},
		{"loss<5%", []probe.Outcome{loss(96), loss(100)}, []probe.Outcome{loss(95)}},
		{"loss 10..20 %", []probe.Outcome{loss(90), loss(80)}, []probe.Outcome{loss(91), loss(79)}},
		{"rate 15..35 %", []probe.Outcome{share(15), share(35)}, []probe.Outcome{share(14.9), share(35.1), {Kind: probe.OK}, {Kind: probe.OK, Transfer: &probe.Transfer{Rate: 5}}}},
		{"resolved to meta", []probe.Outcome{resolved}, []probe.Outcome{{Kind: probe.OK, Host: "x"}, {Kind: probe.NXDomain}}},
		{"resolved to 203.0.113.2", []probe.Outcome{resolved}, []probe.Outcome{{Kind: probe.OK, Host: "meta"}}},
		{"hops 3", []probe.Outcome{hops}, []probe.Outcome{{Kind: probe.OK, Hops: []string{"isp"}}, {Kind: probe.NoAnswer, Hops: hops.Hops}}},
		{"hops isp border neutral", []probe.Outcome{hops}, []probe.Outcome{{Kind: probe.OK, Hops: []string{"isp", "*", "neutral"}}}},
	} {
		e := must(t, c.text)
		require.Equal(t, c.text, e.String())
		for _, o := range c.holds {
			require.True(t, e.Holds(o), "%s: %s", c.text, o)
		}
		for _, o := range c.holdsNot {
			require.False(t, e.Holds(o), "%s: %s", c.text, o)
		}
	}
}

func TestExpectationErrorsSayWhere(t *testing.T) {
	for text, want := range map[string]phraseError{
		"":                       {0, `found "", expected an outcome: `},
		"okay":                   {0, `found "okay", expected an outcome: `},
		"ok then":                {3, `found "then" after "ok", expected the end of the expectation`},
		"reset before":           {6, `found "before", expected "after"`},
		"reset after Clienthelo": {12, `found "Clienthelo", expected a stage: connect, ClientHello, Initial, request, opening, message, STUN, tunnel or handshake; did you mean "ClientHello"?`},
		"silent after":           {12, `found "", expected a stage: `},
		"no reply":               {3, `found "reply", expected "answer"`},
		"loss":                   {4, `found "", expected < N %, > N % or A..B %`},
		"loss > x %":             {7, `found "x", expected a number of percent`},
		"loss > 30":              {9, `found "", expected "%"`},
		"loss > NaN %":           {7, `found "NaN", expected a number of percent`},
		"loss > 1..2 %":          {12, `found a range after ">", expected one number`},
		"rate 35..15 %":          {5, `found "35..15", expected < N %, > N % or A..B %`},
		"rate -1 %":              {5, `found "-1", expected`},
		"stalled on 5 bytes":     {8, `found "on", expected "at"`},
		"stalled at 5":           {12, `found "", expected "bytes"`},
		"resolved to":            {11, `found nothing after "resolved to"`},
		"resolved meta":          {9, `found "meta", expected "to"`},
		"hops":                   {4, `found nothing after "hops"`},
		"hops 0":                 {5, `found 0, expected 1 to 16 hops`},
	} {
		_, err := ParseExpectation(text)
		var e *phraseError
		require.ErrorAs(t, err, &e, text)
		require.Equal(t, want.offset, e.offset, text)
		require.Contains(t, e.text, want.text, text)
	}
}

func FuzzExpectation(f *testing.F) {
	for _, s := range []string{"ok", "reset after ClientHello", "loss > 30 %", "rate 1..2%", "hops isp border", "resolved to ::1", "stalled at 1..9 bytes"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := ParseExpectation(text)
		if err != nil {
			return
		}
		again, err := ParseExpectation(e.String())
		require.NoError(t, err)
		require.Equal(t, e, again)
	})
}
