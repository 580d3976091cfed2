package scenarios

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func must(t *testing.T, text string) Expectation {
	t.Helper()
	e, err := ParseExpectation(text)
	require.NoError(t, err)
	return e
}

func TestExpectationsHold(t *testing.T) {
	share := func(percent float64) Outcome {
		return Outcome{Kind: OK, Transfer: &Transfer{Rate: percent, Line: 100}}
	}
	loss := func(received int) Outcome { return Outcome{Kind: Loss, Media: &Media{Sent: 100, Received: received}} }
	resolved := Outcome{Kind: OK, Host: "meta", Addrs: []netip.Addr{netip.MustParseAddr("203.0.113.2")}}
	hops := Outcome{Kind: OK, Hops: []string{"isp", "border", "neutral"}}
	for _, c := range []struct {
		text     string
		holds    []Outcome
		holdsNot []Outcome
	}{
		{"ok", []Outcome{{Kind: OK}, resolved, hops, share(96)}, []Outcome{{Kind: NXDomain}, {Kind: Throttled}, {Kind: Loss}, {Kind: Skipped}, {}}},
		{"no answer", []Outcome{{Kind: NoAnswer}, {Kind: NoAnswer, Stage: StageSTUN}}, []Outcome{{Kind: Silent}, {Kind: Timeout}}},
		{"reset", []Outcome{{Kind: Reset, Stage: StageHello}, {Kind: Reset}}, []Outcome{{Kind: Refused}}},
		{"reset after ClientHello", []Outcome{{Kind: Reset, Stage: StageHello, After: time.Second}}, []Outcome{{Kind: Reset, Stage: StageRequest}}},
		{"silent after Initial", []Outcome{{Kind: Silent, Stage: StageInitial}}, []Outcome{{Kind: Silent, Stage: StageHello}, {Kind: Stalled, Stage: StageInitial}}},
		{"timeout", []Outcome{{Kind: Timeout, Stage: StageConnect}}, []Outcome{{Kind: Silent, Stage: StageConnect}}},
		{"stalled", []Outcome{{Kind: Stalled, Bytes: 1}}, []Outcome{{Kind: Silent}}},
		{"stalled at 14000..24000 bytes", []Outcome{{Kind: Stalled, Bytes: 14000}, {Kind: Stalled, Bytes: 24000}},
			[]Outcome{{Kind: Stalled, Bytes: 13999}, {Kind: Silent, Bytes: 15000}}},
		{"stalled at 16384 bytes", []Outcome{{Kind: Stalled, Bytes: 16384}}, []Outcome{{Kind: Stalled, Bytes: 16385}}},
		{"loss > 30 %", []Outcome{loss(69), loss(0)}, []Outcome{loss(70), loss(100), {Kind: NoAnswer}}},
		{"loss<5%", []Outcome{loss(96), loss(100)}, []Outcome{loss(95)}},
		{"loss 10..20 %", []Outcome{loss(90), loss(80)}, []Outcome{loss(91), loss(79)}},
		{"rate 15..35 %", []Outcome{share(15), share(35)}, []Outcome{share(14.9), share(35.1), {Kind: OK}, {Kind: OK, Transfer: &Transfer{Rate: 5}}}},
		{"resolved to meta", []Outcome{resolved}, []Outcome{{Kind: OK, Host: "x"}, {Kind: NXDomain}}},
		{"resolved to 203.0.113.2", []Outcome{resolved}, []Outcome{{Kind: OK, Host: "meta"}}},
		{"hops 3", []Outcome{hops}, []Outcome{{Kind: OK, Hops: []string{"isp"}}, {Kind: NoAnswer, Hops: hops.Hops}}},
		{"hops isp border neutral", []Outcome{hops}, []Outcome{{Kind: OK, Hops: []string{"isp", "*", "neutral"}}}},
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
		"reset after Clienthelo": {12, `found "Clienthelo", expected a stage: connect, ClientHello, Initial, request, opening, message, STUN or tunnel; did you mean "ClientHello"?`},
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

func TestOutcomesSayWhatHappenedAndWhen(t *testing.T) {
	for _, c := range []struct {
		o           Outcome
		long, short string
	}{
		{Outcome{Kind: OK, After: time.Second}, "ok", "ok"},
		{Outcome{Kind: NXDomain, Stage: StageDNS}, "nxdomain", "nxdomain"},
		{Outcome{Kind: Refused, Stage: StageConnect}, "refused", "refused"},
		{Outcome{Kind: Timeout, Stage: StageConnect}, "timeout", "timeout"},
		{Outcome{Kind: Timeout, Stage: StageTunnel}, "timeout after tunnel", "timeout"},
		{Outcome{Kind: Reset, Stage: StageHello, After: 12 * time.Millisecond}, "reset after ClientHello (12 ms)", "reset (CH)"},
		{Outcome{Kind: Closed, Stage: StageRequest, After: 1500 * time.Millisecond}, "closed after request (1.5 s)", "closed (request)"},
		{Outcome{Kind: Silent, Stage: StageHello, After: 3 * time.Second}, "silent after ClientHello", "silent (CH)"},
		{Outcome{Kind: Stalled, Bytes: 16384}, "stalled at 16384 bytes", "stalled"},
		{Outcome{Kind: Throttled, Transfer: &Transfer{Rate: 12.1e6, Line: 50e6}}, "24 % of the line (12.1 Mbit/s)", "24 % of line"},
		{Outcome{Kind: OK, Transfer: &Transfer{Rate: 130e3}}, "130 kbit/s", "130 kbit/s"},
		{Outcome{Kind: OK, Transfer: &Transfer{Rate: 4800}}, "4.8 kbit/s", "4.8 kbit/s"},
		{Outcome{Kind: Loss, Media: &Media{Sent: 150, Received: 43, Jitter: 800 * time.Microsecond}}, "loss 71 %, jitter 0.8 ms", "loss 71 %"},
		{Outcome{Kind: OK, Addrs: []netip.Addr{netip.MustParseAddr("203.0.113.2")}, Host: "meta"}, "resolved to 203.0.113.2 (meta)", "→ meta"},
		{Outcome{Kind: OK, Hops: []string{"isp", "*", "meta"}}, "hops isp * meta", "3 hops"},
		{Outcome{Kind: NoAnswer, Hops: []string{"isp", "border"}}, "no answer after isp border", "no answer"},
		{Outcome{Kind: NoAnswer}, "no answer", "no answer"},
		{Outcome{Kind: Skipped, Detail: "curl is not installed"}, "skipped: curl is not installed", "skipped"},
		{Outcome{Kind: Failed, Detail: "the server answers 404"}, "error: the server answers 404", "error"},
	} {
		require.Equal(t, c.long, c.o.String())
		require.Equal(t, c.short, c.o.Short())
	}
}
