package tools

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dpilab/lab"
	"dpilab/lab/probe"
)

// place is the lab of a subscriber; the server part runs on the neutral host, which is free but for the ports of its services.
func place(t *testing.T) Place {
	t.Helper()
	topology, err := lab.OpenTopology("subscriber")
	require.NoError(t, err)
	l, err := lab.Build(t.Context(), topology, lab.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	services, err := l.Serve(context.Background())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, services.Close()) })
	t.Cleanup(func() { require.Empty(t, processes(t), "nothing is left") })
	return Place{
		Lab: l, Services: services, Client: l.Host("client"), Router: l.Host("isp"), Server: l.Host("neutral"), Cover: "example.org", Dir: t.TempDir(),
	}
}

// processes gives the commands of all that runs and that a tool has started.
func processes(t *testing.T) (all []string) {
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	require.NoError(t, err)
	for _, f := range files {
		env, err := os.ReadFile(f)
		if err == nil && strings.Contains(string(env), markVariable+"=") {
			line, _ := os.ReadFile(filepath.Join(filepath.Dir(f), "cmdline"))
			all = append(all, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return all
}

// define reads a definition; SELF in it is the test program as a tool.
func define(t *testing.T, text string) *Tool {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	all, err := Parse("fake.yaml", []byte("tool: fake\nabout: a tool\n"+strings.ReplaceAll(text, "SELF", self+" "+fakeMode)))
	require.NoError(t, err)
	return all[0]
}

func open(t *testing.T, tool *Tool, p Place) *Session {
	t.Helper()
	s, err := tool.Open(t.Context(), p)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

const pair = `
secrets: {pass: password 8}
server: {run: SELF far 9443, ready: tcp 9443, user: plain}
client: {run: "SELF socks 1080 {server}:9443 {pass}", ready: [tcp 1080, log serving on 1080]}
traffic: "socks5h://user:{pass}@127.0.0.1:1080"
`

func TestThroughSOCKS(t *testing.T) {
	p := place(t)
	s := open(t, define(t, pair), p)
	require.NoError(t, s.Start(t.Context(), probe.HTTPS("example.com")))
	for range 2 {
		o := s.Try(t.Context(), probe.HTTPS("x.com"))
		require.Equal(t, probe.OK, o.Kind, o.Story())
		require.Positive(t, o.Handshake)
		require.NoError(t, s.Used())
	}
	require.Contains(t, s.Log(), "client: asked for x.com:443\n", "the far end resolves")

	o := s.Try(t.Context(), probe.Download("x.com", 100_000))
	require.NotNil(t, o.Transfer, o.Story())
	require.NoError(t, s.Stop())
	require.Len(t, processes(t), 1, "the server part goes on")
	require.Equal(t, probe.Failed, s.Try(t.Context(), probe.HTTPS("x.com")).Kind)
	require.NoError(t, s.Start(t.Context(), probe.HTTPS("example.com")), "a second time")
	require.Equal(t, probe.OK, s.Try(t.Context(), probe.HTTPS("x.com")).Kind)
	require.NoError(t, s.Close())
	require.Empty(t, processes(t))
}

func TestThroughHTTPAndAResolvingClient(t *testing.T) {
	p := place(t)
	server := "\nserver: {run: SELF far 9443, ready: tcp 9443}\n"
	s := open(t, define(t, server+`client: {run: "SELF http 8080 {server}:9443", ready: tcp 8080}`+"\ntraffic: http://127.0.0.1:8080\n"), p)
	require.NoError(t, s.Start(t.Context(), probe.HTTPS("x.com")))
	require.Equal(t, probe.OK, s.Try(t.Context(), probe.HTTPS("x.com")).Kind)
	require.NoError(t, s.Used())
	require.Contains(t, s.Log(), "client: asked for x.com:443\n")
	require.NoError(t, s.Close())

	s = open(t, define(t, server+`client: {run: "SELF socks 1080 {server}:9443", ready: tcp 1080}`+"\ntraffic: socks5://127.0.0.1:1080\n"), p)
	require.NoError(t, s.Start(t.Context(), probe.HTTPS("x.com")))
	require.ErrorContains(t, s.Used(), "the proxy on 127.0.0.1:1080 was not asked")
	require.Equal(t, probe.OK, s.Try(t.Context(), probe.HTTPS("x.com")).Kind)
	require.Contains(t, s.Log(), "client: asked for 203.0.113.34:443\n", "the client has resolved")
	require.NoError(t, s.Close())
}

// Datagrams by way of the proxy: the question for the name, to a resolver abroad, and QUIC.
func TestDatagramsThroughSOCKS(t *testing.T) {
	s := open(t, define(t, `client: {run: "SELF socks 1080 192.0.2.1:1", ready: tcp 1080}`+"\ntraffic: {socks5h: \"127.0.0.1:1080\", udp: true}\n"), place(t))
	require.NoError(t, s.Start(t.Context(), probe.HTTP3("x.com")))
	o := s.Try(t.Context(), probe.HTTP3("x.com"))
	require.Equal(t, probe.OK, o.Kind, o.Story())
	require.NoError(t, s.Used())
	require.Contains(t, s.Log(), "client: relays to 203.0.113.80:53\n")
	require.Contains(t, s.Log(), "client: relays to 203.0.113.34:443\n")
	call := probe.Call("call.whatsapp.net")
	call.For = 200 * time.Millisecond
	require.NotNil(t, s.Try(t.Context(), call).Media)
	require.Equal(t, probe.OK, s.Try(t.Context(), probe.DNS("x.com")).Kind)
}

// On a router, with a hook whose counter is one of nftables.
func TestHookOnARouter(t *testing.T) {
	for _, program := range []string{"nft", "ip"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(program + " is not installed")
		}
	}
	p := place(t)
	s := open(t, define(t, `
client:
  on: router
  before:
    - nft add table inet counting
    - "nft add chain inet counting seen '{ type filter hook forward priority 0; }'"
    - nft add rule inet counting seen ip daddr 203.0.113.34 tcp flags syn counter
  ready: file {dir}/rules
  after: ip link show
  undo: nft delete table inet counting
files: {rules: none yet}
traffic: {hook: nft list table inet counting}
`), p)
	require.NoError(t, s.Start(t.Context(), probe.HTTPS("x.com")))
	require.Equal(t, probe.OK, s.Try(t.Context(), probe.HTTPS("x.com")).Kind)
	require.NoError(t, s.Used())
	require.Equal(t, probe.OK, s.Try(t.Context(), probe.HTTPS("max.ru")).Kind)
	require.ErrorContains(t, s.Used(), "the hook's counter has not moved")
	require.Contains(t, s.Log(), "uplink", "the log has what commands wrote, on the router")
	require.NoError(t, s.Stop())
	out, err := p.Router.Command(t.Context(), "nft", "list", "tables").Output()
	require.NoError(t, err)
	require.Empty(t, string(out), "undone")
}

func TestInterfaceThatNothingCrosses(t *testing.T) {
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("ip is not installed")
	}
	s := open(t, define(t, "client: {before: ip link add idle type veth peer name peer, ready: interface idle, undo: ip link del idle}\ntraffic: {tun: idle}\n"), place(t))
	require.NoError(t, s.Start(t.Context(), probe.HTTPS("x.com")))
	require.Equal(t, probe.OK, s.Try(t.Context(), probe.HTTPS("x.com")).Kind, "the routes lead past it")
	require.EqualError(t, s.Used(), "nothing went into the interface idle")
}

func TestTheClientItself(t *testing.T) {
	p := place(t)
	tools, err := Open("curl")
	require.NoError(t, err)
	if missing := tools[0].Missing(); len(missing) > 0 {
		t.Skip(missing)
	}
	require.Regexp(t, "^curl [0-9]+", tools[0].Version(t.Context()))
	require.True(t, tools[0].Direct)
	s := open(t, tools[0], p)
	goal := probe.Download("x.com", 200_000)
	require.NoError(t, s.Start(t.Context(), goal))
	o := s.Try(t.Context(), goal)
	require.NotNil(t, o.Transfer, o.String())
	require.EqualValues(t, 200_000, o.Transfer.Bytes)
	require.Positive(t, o.Transfer.Rate)
	require.Less(t, o.Handshake, o.FirstByte)
	require.Equal(t, probe.NXDomain, s.Try(t.Context(), probe.HTTPS("no.such.name")).Kind)
	require.Equal(t, probe.Skipped, s.Try(t.Context(), probe.Ping("x.com")).Kind)
	require.ErrorContains(t, s.Start(t.Context(), probe.Ping("x.com")), "curl: found the goal ping, which it does not carry")
	require.Contains(t, s.Log(), "client: curl: (6) ")
}

func TestBuiltins(t *testing.T) {
	p := place(t)
	for text, goal := range map[string]probe.Probe{
		"builtin: direct":                   probe.HTTPS("x.com"),
		"builtin: {utls: chrome}":           probe.HTTPS("x.com"),
		"builtin: {utls: firefox-105}":      probe.HTTPS("x.com"),
		"builtin: {utls: randomized}":       probe.HTTPS("x.com"),
		"builtin: {quic: quic-go}":          probe.HTTP3("x.com"),
		"traffic: builtin\nbuiltin: direct": probe.Ping("x.com"),
	} {
		s := open(t, define(t, text), p)
		require.NoError(t, s.Start(t.Context(), goal))
		o := s.Try(t.Context(), goal)
		require.Equal(t, probe.OK, o.Kind, "%s: %s", text, o.Story())
		require.NoError(t, s.Used())
	}
}

func TestWhatGoesWrong(t *testing.T) {
	p := place(t)
	for name, c := range map[string]struct{ text, want string }{
		"never ready":    {"client: {run: sleep 100, ready: tcp 1080, within: 1s}", `fake: client on client: sleep 100 is not ready after 1s: waited for tcp 1080; it wrote nothing`},
		"dies":           {"client: {run: SELF die 3 no such option, ready: tcp 1080}", `fake: client on client: SELF die 3 no such option ended with exit code 3 before it was ready (tcp 1080); it wrote no such option`},
		"ends too early": {"client: {run: 'true', ready: tcp 1080}", `fake: client on client: true ended with exit code 0 before it was ready (tcp 1080); it wrote nothing`},
		"exit not 0":     {"client: {run: 'false', ready: exit}", `fake: client on client: false ended with exit code 1 before it was ready (exit); it wrote nothing`},
		"killed":         {"client: {run: \"sh -c 'kill -9 $$'\", ready: exit}", `fake: client on client: sh -c 'kill -9 $$' was ended by the signal killed before it was ready (exit); it wrote nothing`},
		"no program":     {"client: {run: '{dir}/nothing', ready: exit}", `fake: client on client: DIR/nothing ended with exit code 126 before it was ready (exit); it wrote dpilab: start DIR/nothing on client: no such file or directory`},
		"missing":        {"client: {run: no-such-tool, ready: exit}", `fake: no-such-tool is not on PATH`},
		"before":         {"client: {before: \"sh -c 'echo wrong way; exit 4'\", ready: file x}", `fake: client on client: sh -c 'echo wrong way; exit 4' ended with exit code 4; it wrote wrong way`},
		"after":          {"client: {run: sleep 100, ready: 'file {dir}', after: 'false'}", `fake: client on client: false ended with exit code 1; it wrote nothing`},
		"port taken":     {"client: {run: sleep 100, ready: exit}\nserver: {run: sleep 100, ready: tcp 443}", `fake: server on neutral: tcp port 443 is taken before it starts: let it use another, or run it on another host`},
	} {
		self, err := os.Executable()
		require.NoError(t, err)
		tool := define(t, c.text+"\ntraffic: socks5://127.0.0.1:1080\n")
		s, err := tool.Open(t.Context(), p)
		if err == nil {
			err = s.Start(t.Context(), probe.HTTPS("x.com"))
			require.NoError(t, s.Close())
		}
		require.EqualError(t, err, strings.NewReplacer("SELF", self+" "+fakeMode, "DIR", p.Dir).Replace(c.want), name)
		require.Empty(t, processes(t), name)
	}
}

func TestAClientThatDiesWhileItIsUsed(t *testing.T) {
	s := open(t, define(t, "client: {run: SELF die-later 1080, ready: tcp 1080}\ntraffic: socks5h://127.0.0.1:1080\n"), place(t))
	require.NoError(t, s.Start(t.Context(), probe.HTTPS("x.com")))
	o := s.Try(t.Context(), probe.HTTPS("x.com"))
	require.Equal(t, probe.Failed, o.Kind, o.String())
	require.Eventually(t, func() bool { return s.Used() != nil && strings.Contains(s.Used().Error(), "exit code 7") }, 30*time.Second, 10*time.Millisecond)
	require.ErrorContains(t, s.Used(), "out of luck")
	require.Contains(t, s.Try(t.Context(), probe.HTTPS("x.com")).Detail, "ended with exit code 7; it wrote")
}

func TestStopLeavesNothing(t *testing.T) {
	p := place(t)
	s := open(t, define(t, "client: {run: SELF stubborn, ready: [log child, log child]}\nserver: {run: SELF daemon 9443, ready: [exit, tcp 9443]}\ntraffic: socks5://127.0.0.1:1080\n"), p)
	require.Len(t, processes(t), 1, "the daemon")
	require.NoError(t, s.Start(t.Context(), probe.HTTPS("x.com")), "a server that has gone into the background has not died")
	require.Eventually(t, func() bool { return len(processes(t)) == 4 }, 30*time.Second, 10*time.Millisecond)
	require.NoError(t, s.Close())
	require.Empty(t, processes(t))
}

// What Ctrl-C does: the context of all ends.
func TestInterrupted(t *testing.T) {
	p := place(t)
	ctx, cancel := context.WithCancel(t.Context())
	tool := define(t, "client: {run: sleep 1000, ready: tcp 1080}\nserver: {run: SELF far 9443, ready: tcp 9443}\ntraffic: socks5://127.0.0.1:1080\n")
	s, err := tool.Open(ctx, p)
	require.NoError(t, err)
	time.AfterFunc(300*time.Millisecond, cancel)
	require.ErrorIs(t, s.Start(ctx, probe.HTTPS("x.com")), context.Canceled)
	require.Eventually(t, func() bool { return len(processes(t)) == 0 }, 30*time.Second, 10*time.Millisecond, "before anybody closes")
	require.NoError(t, s.Close())
}

func TestFilesAndSecrets(t *testing.T) {
	p := place(t)
	s := open(t, define(t, `
secrets: {id: uuid, pass: password 12, key: x25519, wg: wireguard, code: base64 16, hex: hex 4, cert: "certificate {cover}"}
files:
  server.conf: "{server} {server6} {client} {router} {cover} {cover.address} {resolver} {resolver.far} {pass} {cert.cert}"
  deep/client.conf: "{name} {url} {port} {bytes} {timeout} {{literal}"
client: {before: "sh -c 'openssl x509 -noout -text -in {cert.cert} || true; env'", ready: "file {dir}/deep/client.conf", env: {WAY: "to {name}"}}
traffic: {dns: "{resolver.far}"}
`), p)
	text := func(name string) string {
		b, err := os.ReadFile(filepath.Join(p.Dir, name))
		require.NoError(t, err)
		return string(b)
	}
	require.Equal(t, "203.0.113.50 2001:db8:30::2 198.51.100.2 198.51.100.1 example.org 203.0.113.50 198.51.100.54 203.0.113.80 "+
		s.values["pass"]+" "+p.Dir+"/cert.cert.pem", text("server.conf"))
	require.NoFileExists(t, filepath.Join(p.Dir, "deep/client.conf"), "not before the goal is known")
	require.NoError(t, s.Start(t.Context(), probe.Download("x.com", 1000)))
	require.Equal(t, "x.com https://x.com/download?bytes=1000 443 1000 3 {literal}", text("deep/client.conf"))
	require.Contains(t, s.Log(), "client: WAY=to x.com\n")
	require.Contains(t, s.Log(), "client: HOME="+p.Dir+"\n")
	require.Contains(t, s.Log(), "client: CURL_CA_BUNDLE="+p.Services.CAFile+"\n")

	require.Regexp(t, "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", s.values["id"])
	require.Regexp(t, "^[a-zA-Z0-9]{12}$", s.values["pass"])
	require.Regexp(t, "^[A-Za-z0-9_-]{43}$", s.values["key.private"])
	require.Regexp(t, "^[A-Za-z0-9+/]{43}=$", s.values["wg.public"])
	require.Regexp(t, "^[A-Za-z0-9+/]{22}==$", s.values["code"])
	require.Regexp(t, "^[0-9a-f]{8}$", s.values["hex"])
	require.Contains(t, text("cert.cert.pem"), "BEGIN CERTIFICATE")

	o := s.Try(t.Context(), probe.DNS("x.com"))
	require.Equal(t, probe.OK, o.Kind, "%s", o.Story())
	require.Contains(t, o.Story(), "203.0.113.80:53")
}
