package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fakeTB is a test that writes down what New does to it.
type fakeTB struct {
	ctx     context.Context
	failed  bool
	said    []string
	cleanup []func()
}

func (f *fakeTB) Helper()                           {}
func (f *fakeTB) Context() context.Context          { return f.ctx }
func (f *fakeTB) Cleanup(c func())                  { f.cleanup = append(f.cleanup, c) }
func (f *fakeTB) Failed() bool                      { return f.failed }
func (f *fakeTB) Errorf(format string, args ...any) { f.say("error: "+format, args...) }
func (f *fakeTB) Logf(format string, args ...any)   { f.say("log: "+format, args...) }
func (f *fakeTB) Fatal(args ...any) {
	f.failed = true
	f.say("fatal: %s", fmt.Sprint(args...))
	runtime.Goexit()
}
func (f *fakeTB) Skip(args ...any) { f.say("skip: %s", fmt.Sprint(args...)); runtime.Goexit() }
func (f *fakeTB) say(format string, args ...any) {
	f.said = append(f.said, fmt.Sprintf(format, args...))
}

// run runs a test's body and what it cleans up, as package testing does.
func (f *fakeTB) run(body func(TB)) {
	ctx, cancel := context.WithCancel(context.Background())
	f.ctx = ctx
	done := make(chan struct{})
	go func() {
		defer close(done)
		body(f)
	}()
	<-done
	cancel()
	for i := len(f.cleanup) - 1; i >= 0; i-- {
		f.cleanup[i]()
	}
}

func TestNewSaysWhatIsMissing(t *testing.T) {
	was := entered
	defer func() { entered, mainErr = was, nil }()
	for _, c := range []struct {
		name    string
		entered bool
		err     error
		require string
		want    string
	}{
		{"no TestMain", false, nil, "", "fatal: this process is not in namespaces of its own, which a lab needs. A test's package needs a TestMain:\n\n\tfunc TestMain(m *testing.M) { lab.Main(m) }"},
		{"refused", false, errors.New("they are switched off"), "", "skip: they are switched off"},
		{"refused, and asked for", false, errors.New("they are switched off"), "1", "fatal: they are switched off (DPILAB_REQUIRE is set"},
	} {
		t.Run(c.name, func(t *testing.T) {
			entered, mainErr = c.entered, c.err
			t.Setenv(RequireEnv, c.require)
			tb := &fakeTB{}
			tb.run(func(t TB) { New(t) })
			require.Len(t, tb.said, 1)
			require.True(t, strings.HasPrefix(tb.said[0], c.want), tb.said[0])
		})
	}
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	live(t)
	for want, option := range map[string]Option{
		`2022-paperr: no policy of this name ships`:            WithPolicy("2022-paperr"),
		`policy.yaml:1:1: `:                                    WithPolicy("nothing: here\n"),
		`the topology subscriber has no box "bok"; boxes: box`: WithPolicy("2022-paper", "bok"),
		`subscribr`: WithTopology("subscribr"),
		`the topology subscriber has no host "me" to be the client, name`: WithClient("me"),
	} {
		tb := &fakeTB{}
		tb.run(func(t TB) { New(t, option) })
		require.Len(t, tb.said, 1)
		require.Contains(t, tb.said[0], "fatal: cannot start the lab: ")
		require.Contains(t, tb.said[0], want)
	}
	tb := &fakeTB{}
	tb.run(func(t TB) { New(t).Host("neutrl") })
	require.Contains(t, tb.said[0], `fatal: the lab has no host "neutrl"; hosts: client, `)
	require.Contains(t, tb.said[1], "log: what the boxes did:\nnothing: no rule hit any flow\n", "a test that failed tells")
}

// What New made is gone when the test is over, and until then it serves, even while the test cleans up.
func TestNewIsCleanedUp(t *testing.T) {
	live(t)
	tb := &fakeTB{}
	var net *Net
	tb.run(func(tb TB) {
		net = New(tb)
		tb.Cleanup(func() {
			c, err := net.Client().Dialer().Dial("tcp", "example.org:443")
			if err != nil {
				tb.Errorf("%v", err)
				return
			}
			c.Close()
		})
	})
	require.Empty(t, tb.said)
	require.Nil(t, net.Services())
	_, err := net.Client().Dialer().Dial("tcp", "203.0.113.50:443")
	require.Error(t, err)
}

func TestDialer(t *testing.T) {
	n := New(t)
	d := n.Client().Dialer()
	for _, c := range []struct{ network, address, want string }{
		{"tcp", "example.org:80", "203.0.113.50:80"},
		{"tcp4", "example.org:80", "203.0.113.50:80"},
		{"tcp6", "example.org:80", "[2001:db8:30::2]:80"},
		{"tcp", "neutral:80", "203.0.113.50:80"},
		{"tcp6", "neutral:80", "[2001:db8:30::2]:80"},
		{"tcp", "[2001:db8:30::2]:80", "[2001:db8:30::2]:80"},
		{"udp", "example.org:443", "203.0.113.50:443"},
	} {
		conn, err := d.DialContext(t.Context(), c.network, c.address)
		require.NoError(t, err, c.address)
		require.Equal(t, c.want, conn.RemoteAddr().String())
		conn.Close()
	}
	for address, want := range map[string]string{
		"example.org":      "dial tcp: address example.org: missing port in address",
		"nowhere.test:80":  "dial tcp: lookup nowhere.test",
		"example.org:4711": "connection refused",
		"198.51.100.2:x":   "is no IP address and port",
	} {
		_, err := d.Dial("tcp", address)
		require.ErrorContains(t, err, want)
	}
	_, err := d.Dial("tcp6", "203.0.113.50:80")
	require.ErrorContains(t, err, "no suitable address found")

	// What nobody answers ends with the timeout.
	late := &Dialer{Host: n.Client(), Timeout: 50 * time.Millisecond}
	_, err = late.Dial("tcp", "203.0.113.51:80")
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout())
}
