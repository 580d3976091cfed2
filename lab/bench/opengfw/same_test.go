package main

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"dpilab/lab"
	"dpilab/rules"
	"dpilab/rules/opengfw"
)

// sameRules are in the file that both engines get: OpenGFW as it is, dpilab's as the policy that import-opengfw makes of it.
const sameRules = `
- {name: let be, action: allow, expr: 'string(tls?.req?.sni) == "good.blocked.example"'}
- {name: names, action: block, expr: 'string(tls?.req?.sni) endsWith "blocked.example" || string(tls?.req?.sni) contains "tracker"'}
- {name: port, action: block, expr: 'proto == "tcp" && port.dst in 8440..8449 && port.dst != 8444'}
- {name: excepted, action: block, expr: 'port.dst == 9443 && tls != nil && !(tls.req.sni startsWith "www.")'}
- {name: an error of nothing, action: block, expr: 'port.dst == 9444 && !(tls.req.sni startsWith "www.")'}
- {name: frail, action: block, expr: 'http.req.headers.host == "ads.example" || port.dst == 9445'}
- {name: host, action: drop, expr: 'string(http?.req?.headers?.host) startsWith "evil."'}
- {name: dns name, action: block, expr: 'dns != nil && any(dns.questions, {.name == "nxblocked.example"})'}
- name: dns answer
  action: modify
  modifier: {name: dns, args: {a: 192.0.2.53, aaaa: "2001:db8::53"}}
  expr: dns != nil && dns.qr && any(dns.questions, {.name endsWith "poisoned.example"})
- {name: expression, action: block, expr: 'string(tls?.req?.sni) matches "^re[0-9]+\\.example$"'}
- {name: to the address, action: block, expr: 'cidr(ip.dst, "198.51.100.2/32") && port.dst == 9446'}
`

// probe is one thing that a client tries.
type probe struct {
	how, port, name string
}

var probes = []probe{
	{"tls", "443", "open.example"}, {"tls", "443", "www.blocked.example"}, {"tls", "443", "good.blocked.example"}, {"tls", "443", "mytracker.example"},
	{"large tls", "443", "large.blocked.example"}, {"large tls", "443", "large.example"},
	{"tls", "443", "re17.example"}, {"tls", "443", "rex.example"},
	{"tls", "8443", "open.example"}, {"tls", "8444", "open.example"}, {"http", "8445", "open.example"},
	{"tls", "9443", "www.example"}, {"tls", "9443", "mail.example"}, {"http", "9443", "open.example"},
	{"tls", "9444", "www.example"}, {"tls", "9444", "mail.example"}, {"http", "9444", "open.example"},
	{"http", "80", "ads.example"}, {"http", "80", "open.example"}, {"http", "80", "evil.example"}, {"http", "9446", "open.example"},
	{"dns", "53", "open.example."}, {"dns", "53", "nxblocked.example."}, {"dns", "53", "www.poisoned.example."},
}

// Both engines do the same with the same rules, as far as the report does not say otherwise.
func TestImportedRulesDoTheSame(t *testing.T) {
	l := pair(t)
	serveMore(t, l)
	for _, p := range probes {
		require.NotEqual(t, "blocked", p.try(t, l), "%v without a box", p)
	}
	file := filepath.Join(t.TempDir(), "same.yaml")
	require.NoError(t, os.WriteFile(file, []byte(sameRules), 0o644))
	stop := program(t, l, "--rules", file)
	theirs := tryAll(t, l)
	stop()

	r, err := opengfw.Convert(file, []byte(sameRules), opengfw.Options{Name: "same", Date: "2026-01-31"})
	require.NoError(t, err)
	for _, n := range r.Notes {
		t.Log(n)
	}
	p, err := rules.Parse("same.yaml", r.Policy, os.DirFS(t.TempDir()))
	require.NoError(t, err)
	compiled, err := p.Compile()
	require.NoError(t, err)
	b, err := l.StartBox("box", lab.BoxOptions{Policy: compiled})
	require.NoError(t, err)
	ours := tryAll(t, l)
	require.NoError(t, b.Close())
	t.Log(theirs)
	for i, p := range probes {
		require.Equal(t, theirs[i], ours[i], "%v", p)
	}
	require.True(t, slices.Contains(theirs, "blocked") && slices.Contains(theirs, "ok"), "%v", theirs)
}

// serveMore adds what the server of pair has not: TLS and HTTP on the other ports, and DNS.
func serveMore(t *testing.T, l *lab.Lab) {
	server := l.Host("server")
	done := map[string]bool{"443": true}
	for _, p := range probes {
		if p.how == "dns" || done[p.port] {
			continue
		}
		done[p.port] = true
		listen, err := server.Listen(t.Context(), "tcp", ":"+p.port)
		require.NoError(t, err)
		t.Cleanup(func() { _ = listen.Close() })
		go serveBoth(listen)
	}
	packets, err := server.ListenPacket(t.Context(), "udp", "198.51.100.2:53")
	require.NoError(t, err)
	names := &dns.Server{PacketConn: packets, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 1}, A: net.IPv4(192, 0, 2, 99)}}
		_ = w.WriteMsg(m)
	})}
	go func() { _ = names.ActivateAndServe() }()
	t.Cleanup(func() { _ = names.Shutdown() })
}

// serveBoth answers whatever begins, of TLS or HTTP, with a page: of TLS only a first record, which is an answer.
func serveBoth(listen net.Listener) {
	for {
		c, err := listen.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			if n, err := c.Read(make([]byte, 1<<14)); n > 0 && err == nil {
				_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
			}
		}()
	}
}

func tryAll(t *testing.T, l *lab.Lab) []string {
	outcomes := make([]string, len(probes))
	var all sync.WaitGroup
	for i, p := range probes {
		all.Go(func() { outcomes[i] = p.try(t, l) })
	}
	all.Wait()
	return outcomes
}

// try gives ok, blocked or, of DNS, the answer. An answer that is no TLS is one, too: the server's words came back.
func (p probe) try(t *testing.T, l *lab.Lab) string {
	const patience = 1500 * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	network, address := "tcp", "198.51.100.2:"+p.port
	if p.how == "dns" {
		network = "udp"
	}
	c, err := l.Host("client").DialContext(ctx, network, address)
	if err != nil {
		return "blocked"
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	switch p.how {
	case "dns":
		return p.ask(c)
	case "http":
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: "+p.name+"\r\n\r\n")
	default:
		config := &tls.Config{ServerName: p.name, InsecureSkipVerify: true}
		if p.how == "large tls" {
			for range 20 {
				config.NextProtos = append(config.NextProtos, strings.Repeat("x", 200))
			}
		}
		if err := tls.Client(c, config).Handshake(); err == nil || strings.Contains(err.Error(), "first record does not look like") {
			return "ok"
		}
		return "blocked"
	}
	if n, _ := c.Read(make([]byte, len(http.StatusText(http.StatusOK)))); n == 0 {
		return "blocked"
	}
	return "ok"
}

func (p probe) ask(c net.Conn) string {
	conn := &dns.Conn{Conn: c}
	if err := conn.WriteMsg(new(dns.Msg).SetQuestion(p.name, dns.TypeA)); err != nil {
		return "blocked"
	}
	m, err := conn.ReadMsg()
	if err != nil || len(m.Answer) != 1 {
		return "blocked"
	}
	return m.Answer[0].(*dns.A).A.String()
}
