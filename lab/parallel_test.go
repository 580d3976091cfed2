package lab_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/dpi"
	"dpilab/lab"
	"dpilab/lab/probe"
)

const silenceExample = `policy: mine
date: 2026-01-01
about: a name of our own
rules:
  - {rule: mine, when: {sni: [example.org]}, do: {drop: both}, source: {ref: choice}}
`

// short gets a page with a ClientHello that boxes without reassembly read.
func short(host string) probe.Probe {
	p := probe.HTTPS(host)
	p.Hello = probe.HelloShort
	return p
}

// Labs side by side do not disturb one another: each has its own policy, outcomes and events.
func TestLabsSideBySide(t *testing.T) {
	for _, c := range []struct {
		name    string
		options []lab.Option
		probe   probe.Probe
		want    probe.Kind
		rule    string // "": none hits
	}{
		{"wire", nil, probe.HTTPS("twitter.com"), probe.OK, ""},
		{"reset", []lab.Option{lab.WithPolicy("2022-paper")}, short("twitter.com"), probe.Reset, "sni-1"},
		{"quic", []lab.Option{lab.WithPolicy("2022-paper")}, probe.HTTP3("example.org"), probe.Silent, "quic-v1"},
		{"chat", []lab.Option{lab.WithPolicy("2026-whatsapp")}, probe.Chat("g.whatsapp.net", lab.PortChat), probe.Silent, "whatsapp-chat"},
		{"text", []lab.Option{lab.WithPolicy(silenceExample)}, short("example.org"), probe.Silent, "mine"},
		{"open", []lab.Option{lab.WithPolicy(silenceExample)}, probe.HTTPS("twitter.com"), probe.OK, ""},
		{"seeded", []lab.Option{lab.WithPolicy("2025-home", "box"), lab.WithSeed(7)}, probe.HTTPS("x.com"), probe.Reset, "x-tls"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			net := lab.New(t, c.options...)
			c.probe.Timeout = time.Second
			for range 2 {
				o := c.probe.Try(t.Context(), probe.From{Host: net.Client()})
				require.Equal(t, c.want, o.Kind, o.Story())
				open := probe.HTTPS("max.ru").Try(t.Context(), probe.From{Host: net.Client()})
				require.Equal(t, probe.OK, open.Kind, open.Story())
			}
			rules := map[string]bool{}
			for _, e := range net.Events() {
				rules[e.Rule.Name] = true
			}
			if c.rule == "" {
				require.Empty(t, rules)
				return
			}
			require.Equal(t, map[string]bool{c.rule: true}, rules)
			e, err := net.Hit(t.Context(), c.rule)
			require.NoError(t, err)
			require.Equal(t, dpi.EventHit, e.Kind)
			require.Contains(t, net.Story(), "hit by "+c.rule+" (")
		})
	}
}

// What a test does on a host happens there: it listens, it dials, it runs programs.
func TestHostsOfANet(t *testing.T) {
	n := lab.New(t)
	l, err := n.Host("neutral").Listen(t.Context(), "tcp", ":8080")
	require.NoError(t, err)
	defer l.Close()
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.RemoteAddr) }))
	client := &http.Client{Transport: &http.Transport{DialContext: n.Client().Dialer().DialContext}}
	resp, err := client.Get("http://example.org:8080/")
	require.NoError(t, err)
	defer resp.Body.Close()
	seen, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(seen), n.Client().Addr4().String()+":"), string(seen))

	out, err := n.Client().Command(t.Context(), "cat", "/proc/sys/kernel/hostname").Output()
	require.NoError(t, err)
	require.Equal(t, "client\n", string(out))
	require.NoError(t, n.Client().Do(func() error {
		c, err := net.Dial("tcp", n.Host("x").Addr4().String()+":80")
		if err == nil {
			c.Close()
		}
		return err
	}))
}

// A wire becomes a box and gets another policy while the net runs, and what the box remembers ages by Skip.
func TestPoliciesOfANet(t *testing.T) {
	n := lab.New(t)
	client := probe.From{Host: n.Client()}
	kind := func(p probe.Probe) probe.Kind { return p.Try(t.Context(), client).Kind }
	require.Nil(t, n.Box(""))
	require.Equal(t, probe.OK, kind(short("example.org")))
	require.NoError(t, n.SetPolicy(silenceExample))
	require.NotNil(t, n.Box("box"))
	require.Equal(t, probe.Silent, kind(short("example.org")))
	require.NoError(t, n.SetPolicy("2022-paper"))
	require.Equal(t, probe.OK, kind(short("example.org")))
	require.NoError(t, n.Skip(time.Hour))
	require.Greater(t, n.Box("").Now(), time.Hour)
	require.ErrorContains(t, n.SetPolicy("no-such"), "no policy of this name ships")
	require.ErrorContains(t, n.SetPolicy("2022-paper", "bok"), `no box "bok"`)

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := n.Hit(ctx, "sni-4")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	go short("twitter.com").Try(t.Context(), client)
	e, err := n.Hit(t.Context(), "sni-1")
	require.NoError(t, err)
	require.Equal(t, "twitter.com", e.Name)
	require.Contains(t, e.String(), "box: hit by sni-1 (2022-paper), twitter.com, reset. tcp 198.51.100.2:")
}

// A net of several boxes has a policy at each.
func TestSeveralBoxes(t *testing.T) {
	n := lab.New(t, lab.WithTopology("two-filters"), lab.WithPolicy("2022-paper"), lab.WithPolicy(silenceExample, "filter"))
	for _, name := range []string{"example.org", "facebook.com"} {
		require.NotEqual(t, probe.OK, short(name).Try(t.Context(), probe.From{Host: n.Client()}).Kind)
	}
	boxes := map[string]bool{}
	for _, e := range n.Events() {
		boxes[e.Box+" "+e.Rule.Name] = true
	}
	require.Equal(t, map[string]bool{"box sni-1": true, "filter mine": true}, boxes)
}
