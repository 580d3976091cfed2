package tools

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/lab/probe"
)

// A box of 2022 reads one segment. Browsers' ClientHellos took one then; today they take two, and pass.
func TestBrowsers(t *testing.T) {
	if testing.Short() {
		t.Skip("browsers take seconds to start")
	}
	for browser, old := range map[string]string{"chromium": "chromium/tls12", "firefox": "firefox/no-post-quantum"} {
		t.Run(browser, func(t *testing.T) {
			p := abroad(t)
			policy(t, p, "2022-paper")
			all := shippedTools(t, browser+"/http3", old, browser)

			require.Equal(t, 20*time.Second, all[0].def.goals[probe.TypeHTTP3].within)
			s, o := reach(t, all[0], p, probe.HTTP3("example.org"))
			require.Equal(t, probe.Timeout, o.Kind, "%s\n%s", o.Story(), s.Log())
			require.NoError(t, s.Close())

			s, o = reach(t, all[1], p, probe.HTTPS("twitter.com"))
			require.Equal(t, "reset after ClientHello", string(o.Kind)+" after "+string(o.Stage), "%s\n%s", o.Story(), s.Log())
			require.NoError(t, s.Close())

			s, o = reach(t, all[2], p, probe.Download("twitter.com", 200_000))
			arrived(t, all[2], s, o)
			require.Positive(t, o.FirstByte)
			require.Less(t, o.Transfer.Rate, 2*o.Transfer.Line, "more than the line carries")
			o = s.Try(t.Context(), probe.HTTPS("no.such.name"))
			require.Contains(t, []probe.Kind{probe.NXDomain, probe.Failed}, o.Kind, "an error page is no page: %s", o.Story())
		})
	}
}

func TestBrowsersOverQUIC(t *testing.T) {
	if testing.Short() {
		t.Skip("browsers take seconds to start")
	}
	p := abroad(t)
	for _, tool := range shippedTools(t, "chromium/http3", "firefox/http3") {
		s, o := reach(t, tool, p, probe.HTTP3("example.org"))
		require.Equal(t, probe.OK, o.Kind, "%s: %s\n%s", tool.Name, o.Story(), s.Log())
		require.NoError(t, s.Close())
	}
}
