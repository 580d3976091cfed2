package lab

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
)

func TestCommandSeesItsHost(t *testing.T) {
	l := build(t, "subscriber")
	client := l.Host("client")
	for command, want := range map[string]string{
		"cat /etc/resolv.conf":           "nameserver 198.51.100.54\nnameserver 2001:db8:2::53\n",
		"grep client /etc/hosts":         "198.51.100.2 client\n2001:db8:1::2 client\n",
		"grep hosts: /etc/nsswitch.conf": "hosts: files dns\n",
		"uname -n":                       "client\n",
		"ls /sys/class/net":              "access\nlo\n",
	} {
		args := strings.Fields(command)
		out, err := client.Command(t.Context(), args[0], args[1:]...).Output()
		require.NoError(t, err, command)
		require.Equal(t, want, string(out), command)
	}
	own, err := os.Hostname()
	require.NoError(t, err)
	require.NotEqual(t, "client", own, "the lab's own process keeps its name")
}

func TestCommandKeepsWhatTheCallerSets(t *testing.T) {
	l := build(t, pair(""))
	c := l.Host("a").Command(t.Context(), "sh", "-c", `echo "$0 $1 $WHO $(pwd)"; exit 5`, "zero", "a b")
	c.Env = []string{"WHO=me", "PATH=" + os.Getenv("PATH")}
	c.Dir = "/"
	out, err := c.Output()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 5, exit.ExitCode())
	require.Equal(t, "zero a b me /\n", string(out))
}

func TestPlainCommandMayNothing(t *testing.T) {
	l := build(t, pair(""))
	sets := []string{"-E", "^Cap(Inh|Prm|Eff|Bnd|Amb):", "/proc/self/status"}
	out, err := l.Host("a").PlainCommand(t.Context(), "grep", sets...).Output()
	require.NoError(t, err)
	require.Equal(t, strings.Repeat("0", 16*5), strings.Join(regexp.MustCompile("[0-9a-f]{16}").FindAllString(string(out), -1), ""))
	require.Error(t, l.Host("a").PlainCommand(t.Context(), "sh", "-c", "ip link add x type dummy").Run())
	require.NoError(t, l.Host("a").Command(t.Context(), "grep", "-q", "CapEff:.*[1-9a-f]", "/proc/self/status").Run(), "others have theirs")
}

func TestCommandThatIsNotThere(t *testing.T) {
	l := build(t, pair(""))
	require.ErrorIs(t, l.Host("a").Command(t.Context(), "no-such-program").Run(), exec.ErrNotFound)
}

func TestCommandEndsWithItsContext(t *testing.T) {
	l := build(t, pair(""))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	require.Error(t, l.Host("a").Command(ctx, "sleep", "100").Run())
	require.Less(t, time.Since(start), 10*time.Second)
}

func TestResolverAsksTheHostsResolver(t *testing.T) {
	l := build(t, "subscriber")
	p, err := l.Host("isp-dns").ListenPacket(t.Context(), "udp", ":53")
	require.NoError(t, err)
	server := &dns.Server{PacketConn: p, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		if q.Question[0].Qtype == dns.TypeA && q.Question[0].Name == "max.ru." {
			m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: "max.ru.", Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 1}, A: net.IPv4(198, 51, 100, 66)}}
		} else if q.Question[0].Name != "max.ru." {
			m.Rcode = dns.RcodeNameError
		}
		_ = w.WriteMsg(m)
	})}
	done := make(chan error)
	go func() { done <- server.ActivateAndServe() }()
	defer func() {
		_ = p.Close()
		<-done
	}()
	addrs, err := l.Host("client").Resolver().LookupHost(t.Context(), "max.ru")
	require.NoError(t, err)
	require.Equal(t, []string{"198.51.100.66"}, addrs)
	_, err = l.Host("client").Resolver().LookupHost(t.Context(), "whatsapp.com")
	var missing *net.DNSError
	require.ErrorAs(t, err, &missing)
	require.True(t, missing.IsNotFound)
	_, err = l.Host("nsdi").Resolver().LookupHost(t.Context(), "max.ru")
	require.ErrorContains(t, err, "nsdi has no resolver")
}

func TestHostsKnowTheirAddresses(t *testing.T) {
	l := build(t, "subscriber")
	require.Equal(t, "203.0.113.2", l.Host("meta").Addr4().String())
	require.Equal(t, "2001:db8:fb:1::2", l.Host("meta").Addr6().String())
	require.Len(t, l.Host("border").Addrs(), 16)
	require.Nil(t, l.Host("box"))
	require.Len(t, l.Hosts(), len(l.Topology.Hosts))
}

func TestDoEndsAsItsFunctionDoes(t *testing.T) {
	l := build(t, pair(""))
	boom := errors.New("boom")
	require.Equal(t, boom, l.Host("a").Do(func() error { return boom }))
	require.PanicsWithValue(t, "boom", func() { _ = l.Host("a").Do(func() error { panic("boom") }) })
	ended := make(chan bool)
	go func() {
		returned := false
		defer func() { ended <- !returned }()
		_ = l.Host("a").Do(func() error { runtime.Goexit(); return nil })
		returned = true
	}()
	require.True(t, <-ended)
	names, err := net.Interfaces() // and nobody is left in the host's namespace
	require.NoError(t, err)
	require.Len(t, names, 1)
}

func TestNothingLeadsOutside(t *testing.T) {
	l := build(t, "subscriber")
	made := map[string]bool{"lo": true}
	for _, spec := range l.Topology.Links {
		made[spec.Name] = true
	}
	check := func() error {
		all, err := net.Interfaces()
		require.NoError(t, err)
		for _, i := range all {
			require.True(t, made[i.Name] || i.Flags&net.FlagUp == 0, "interface %s is up and not ours", i.Name)
		}
		return nil
	}
	require.NoError(t, check())
	for name, h := range l.hosts {
		require.NoError(t, h.Do(check))
		for _, outside := range []string{"9.9.9.9:53", "[2620:fe::fe]:53", "10.0.0.1:22", "169.254.169.254:80"} {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			_, err := h.DialContext(ctx, "tcp", outside)
			cancel()
			require.Error(t, err, "%s from %s", outside, name)
			require.ErrorContains(t, err, "unreachable", "%s from %s", outside, name)
		}
	}
	_, err := net.DialTimeout("tcp", "9.9.9.9:53", 5*time.Second)
	require.ErrorContains(t, err, "unreachable")
}
