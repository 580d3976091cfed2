package tools

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/lab"
	"dpilab/lab/probe"
	"dpilab/rules"
)

// Each way of Xray and sing-box carries a download, and QUIC where it carries datagrams. What has a server sends nothing to anybody else, questions for names included; what
// has none goes to the site itself.
func TestXrayAndSingBox(t *testing.T) {
	for _, name := range []string{"xray", "sing-box"} {
		t.Run(name, func(t *testing.T) {
			all := shippedTools(t, name)
			if testing.Short() {
				all = []*Tool{all[0], all[len(all)-1]}
			}
			p := abroad(t)
			p.Cover = "www.example.org"
			goal := probe.Download("web.whatsapp.com", 200_000)
			direct := false
			for _, tool := range all {
				direct = direct || tool.Direct
				require.Equal(t, direct, tool.Direct, "those without a server come last: their last packets may meet the next one's watch")
				seen := watch(t, p.Client, "access")
				s, o := reach(t, tool, p, goal)
				arrived(t, tool, s, o)
				require.NoError(t, s.Used(), tool.Name)
				if slices.Contains(tool.Carries, probe.TypeHTTP3) {
					quic := s.Try(t.Context(), probe.HTTP3("web.whatsapp.com"))
					require.Equal(t, probe.OK, quic.Kind, "%s: %s\n%s", tool.Name, quic.Story(), s.Log())
				}
				require.NoError(t, s.Close())
				to := map[netip.Addr]bool{}
				for a := range seen() {
					if a.Port() != 0 { // neighbours have none
						to[a.Addr()] = true
					}
				}
				if site := p.Lab.Host("meta"); tool.Direct {
					require.True(t, to[site.Addr4()] || to[site.Addr6()], "%s: nothing went to the site, only to %v", tool.Name, to)
				} else {
					require.Equal(t, map[netip.Addr]bool{p.Server.Addr4(): true}, to, tool.Name)
				}
			}
		})
	}
}

// joined is a box that reads what is cut, by segments, by records and by both, and does so for longer than the 20 packets of the real ones.
const joined = `
policy: joined
date: 2025-07-01
about: 2025-home, with records that are joined, and more packets read
extends: 2025-home
profile:
  reassembly: {tcp: true, records: true, both: true, bytes: 65535, segments: 64}
  inspect: {packets: 100..100}
`

// The boxes of 2022 read a packet at a time, those of 2025 join segments and not records. Who shows the name of another site is let be.
func TestXrayAndSingBoxBehindBoxes(t *testing.T) {
	shippedTools(t, "xray", "sing-box")
	p := abroad(t)
	p.Cover = "www.example.org"
	goal := probe.Download("twitter.com", 200_000)
	goal.Timeout = time.Second
	goal.Hello = probe.HelloShort
	paper, err := rules.Open("2022-paper")
	require.NoError(t, err)
	home, err := rules.Open("2025-home")
	require.NoError(t, err)
	whole, err := rules.Parse("joined.yaml", []byte(joined), nil)
	require.NoError(t, err)
	for _, c := range []struct {
		policy *rules.Policy
		tool   string
		open   bool
	}{
		{paper, "direct", false},
		{paper, "sing-box/tls-fragment", true},
		{home, "direct", false},
		{home, "xray/reality", true},
		{home, "xray/fragment", true},
		{home, "sing-box/tls-record-fragment", true},
		{home, "sing-box/tls-fragment", false},
		{whole, "xray/reality", true},
		{whole, "xray/fragment", false},
		{whole, "sing-box/tls-record-fragment", false},
	} {
		t.Run(c.policy.Name+" "+c.tool, func(t *testing.T) {
			if testing.Short() && c.policy != home {
				t.Skip("a second each")
			}
			compiled, err := c.policy.Compile()
			require.NoError(t, err)
			box, err := p.Lab.StartBox("box", lab.BoxOptions{Policy: compiled, Seed: 1})
			require.NoError(t, err)
			defer func() { require.NoError(t, box.Close()) }()
			s, o := reach(t, shippedTools(t, c.tool)[0], p, goal)
			require.Equal(t, c.open, o.Kind == probe.OK || o.Kind == probe.Throttled, "%s\n%s", o.Story(), s.Log())
		})
	}
}
