package tools

import (
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/lab/probe"
)

// The messengers themselves: WhatsApp's handshake, certificates and all, and Telegram's, with a wire and behind a box.
func TestMessengers(t *testing.T) {
	for _, c := range []struct {
		tool string
		goal probe.Probe
		box  string // a policy that blocks it
	}{
		{"whatsmeow", probe.Chat("g.whatsapp.net", 5222), "2026-whatsapp"},
		{"gotd", probe.Connect("vps.example.net", 443), "2026-whitelist-mts"},
	} {
		t.Run(c.tool, func(t *testing.T) {
			tool := shippedTools(t, c.tool)[0]
			p := abroad(t)
			s, o := reach(t, tool, p, c.goal)
			require.Equal(t, probe.OK, o.Kind, "%s\n%s", o.Story(), s.Log())
			require.NoError(t, s.Used())
			require.NoError(t, s.Close())

			policy(t, p, c.box)
			s, o = reach(t, tool, p, c.goal)
			require.Equal(t, probe.Timeout, o.Kind, "%s\n%s", o.Story(), s.Log())
		})
	}
}
