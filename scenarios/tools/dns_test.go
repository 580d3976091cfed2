package tools

import (
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/lab/probe"
)

// A lie about a name does not reach those who ask over TLS.
func TestEncryptedDNS(t *testing.T) {
	for _, c := range []struct {
		policy, name string
		remove       bool // the national resolver does not know the name
		direct       probe.Kind
	}{
		{policy: "2022-isp", name: "rutracker.org", direct: probe.Refused},
		{policy: "2026-dns", name: "www.torproject.org", remove: true, direct: probe.NXDomain},
	} {
		t.Run(c.policy, func(t *testing.T) {
			all := shippedTools(t, "coredns-dot", "curl-doh")
			p := abroad(t)
			policy(t, p, c.policy)
			if c.remove {
				p.Services.Remove(c.name)
			}
			goal := probe.Download(c.name, 200_000)
			o := goal.Try(t.Context(), probe.From{Host: p.Client, Services: p.Services})
			require.Equal(t, c.direct, o.Kind, "without a tool: %s", o.Story())
			for _, tool := range all {
				require.True(t, tool.Direct)
				seen := watch(t, p.Client, "access")
				s, o := reach(t, tool, p, goal)
				arrived(t, tool, s, o)
				for to := range seen() {
					require.NotEqualValues(t, 53, to.Port(), "%s asked %s in the clear", tool.Name, to)
				}
			}
		})
	}
}
