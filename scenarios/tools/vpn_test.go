package tools

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/lab"
	"dpilab/lab/probe"
	"dpilab/rules"
)

// abroad is the lab that has a bare host for servers.
func abroad(t *testing.T) Place {
	t.Helper()
	topology, err := lab.OpenTopology("internet")
	require.NoError(t, err)
	l, err := lab.Build(t.Context(), topology, lab.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	services, err := l.Serve(context.Background())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, services.Close()) })
	t.Cleanup(func() { require.Empty(t, processes(t), "nothing is left") })
	return Place{
		Lab: l, Services: services, Client: l.Host("client"), Router: l.Host("isp"), Server: l.Host("server"), Cover: "example.org", Dir: t.TempDir(),
	}
}

// policy makes the wire a box until the test ends.
func policy(t *testing.T, p Place, name string) {
	t.Helper()
	read, err := rules.Open(name)
	require.NoError(t, err)
	compiled, err := read.Compile()
	require.NoError(t, err)
	box, err := p.Lab.StartBox("box", lab.BoxOptions{Policy: compiled, Seed: 1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, box.Close()) })
}

// shippedTools opens tools by their names, and skips the test where a program is missing.
func shippedTools(t *testing.T, names ...string) (all []*Tool) {
	t.Helper()
	for _, name := range names {
		some, err := Open(name)
		require.NoError(t, err)
		for _, tool := range some {
			if missing := tool.Missing(); len(missing) > 0 {
				t.Skipf("%s: %s", tool.Name, strings.Join(missing, ", "))
			}
		}
		all = append(all, some...)
	}
	return all
}

// reach opens a session of its own folder, and tries a goal.
func reach(t *testing.T, tool *Tool, p Place, goal probe.Probe) (*Session, probe.Outcome) {
	t.Helper()
	p.Dir = t.TempDir()
	s := open(t, tool, p)
	if err := s.Start(t.Context(), goal); err != nil {
		return s, failed(err)
	}
	return s, s.Try(t.Context(), goal)
}

// Each of them carries a download, nothing of it leaves the client but to the server, and the host is as before at the end.
func TestServersAbroad(t *testing.T) {
	for _, name := range []string{"wireguard-go", "amneziawg-go", "openvpn", "shadowsocks-libev", "obfs4proxy"} {
		t.Run(name, func(t *testing.T) {
			all := shippedTools(t, name)
			if testing.Short() {
				all = all[:1]
			}
			p := abroad(t)
			goal := probe.Download("x.com", 200_000)
			ways := waysOf(t, p)
			for _, tool := range all {
				require.False(t, tool.Direct)
				seen := watch(t, p.Client, "access")
				s, o := reach(t, tool, p, goal)
				arrived(t, tool, s, o)
				require.NoError(t, s.Used(), tool.Name)
				require.NoError(t, s.Close())
				server := false
				for to := range seen() {
					require.False(t, to.Port() != 0 && to.Addr() != p.Server.Addr4(), "%s: something went to %s", tool.Name, to)
					server = server || to.Addr() == p.Server.Addr4()
				}
				require.True(t, server, "%s: nothing went to its server", tool.Name)
			}
			o := probe.HTTPS("x.com").Try(t.Context(), probe.From{Host: p.Client, Services: p.Services})
			require.Equal(t, probe.OK, o.Kind, "the client's own way, afterwards: %s", o.Story())
			require.Equal(t, ways, waysOf(t, p))
		})
	}
}

// What recognises protocols cuts those that have a look of their own, and leaves those that have none.
func TestServersAbroadUnderRulesForVPN(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	for name, open := range map[string]bool{
		"wireguard-go": false, "openvpn/udp-tls-crypt": false, "shadowsocks-libev": true, "obfs4proxy": true,
	} {
		t.Run(name, func(t *testing.T) {
			tool := shippedTools(t, name)[0]
			p := abroad(t)
			policy(t, p, "2023-vpn")
			s, o := reach(t, tool, p, probe.Download("x.com", 200_000))
			if open {
				arrived(t, tool, s, o)
			} else {
				require.Contains(t, []probe.Kind{probe.Silent, probe.Timeout, probe.Stalled, probe.NoAnswer}, o.Kind, "%s\n%s", o.Story(), s.Log())
			}
		})
	}
}

// arrived checks that all of a download came, at whatever speed on a busy machine.
func arrived(t *testing.T, tool *Tool, s *Session, o probe.Outcome) {
	t.Helper()
	require.Contains(t, []probe.Kind{probe.OK, probe.Throttled}, o.Kind, "%s: %s\n%s", tool.Name, o.Story(), s.Log())
	require.NotNil(t, o.Transfer, tool.Name)
}

// waysOf gives the client's addresses, routes and rules.
func waysOf(t *testing.T, p Place) (all string) {
	t.Helper()
	if _, err := exec.LookPath("ip"); err != nil {
		return "" // nothing that changes them can run
	}
	for _, command := range [][]string{{"address"}, {"route"}, {"-6", "route"}, {"rule"}, {"-6", "rule"}} {
		out, err := p.Client.Command(t.Context(), "ip", command...).Output()
		require.NoError(t, err)
		all += string(out)
	}
	return all
}
