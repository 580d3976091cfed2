package matrix

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"dpilab/lab/probe"
	"dpilab/scenarios/tools"
)

// fake is a tool that lives in the test: what it carries, and how its client reaches a goal.
type fake struct {
	tools.Tool
	via     func(f *fakeSession) probe.Via
	open    func(f *fakeSession) error // the server part; nil: none
	used    error
	start   error
	missing string
	router  bool
}

// fakes starts fakes by their names.
type fakes map[string]*fake

func (m fakes) missing(t *tools.Tool) []string {
	if what := m[t.Name].missing; what != "" {
		return []string{what}
	}
	return nil
}

func (m fakes) onRouter(t *tools.Tool) bool { return m[t.Name].router }

func (m fakes) version(_ context.Context, t *tools.Tool) string { return t.Name + " 1.0" }

func (m fakes) open(_ context.Context, t *tools.Tool, p tools.Place) (session, error) {
	s := &fakeSession{fake: m[t.Name], place: p}
	if s.fake.open != nil {
		if err := s.fake.open(s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// fakeSession is a fake in a lab.
type fakeSession struct {
	*fake
	place  tools.Place
	starts int
	mu     sync.Mutex
	log    strings.Builder
	closes []func() error
}

func (s *fakeSession) Start(context.Context, probe.Probe) error {
	s.starts++
	s.say("start %d", s.starts)
	return s.start
}

func (s *fakeSession) Try(ctx context.Context, p probe.Probe) probe.Outcome {
	from := probe.From{Host: s.place.Client, Services: s.place.Services}
	if s.via != nil {
		from.Via = s.via(s)
	}
	return p.Try(ctx, from)
}

func (s *fakeSession) Used() error { return s.used }
func (s *fakeSession) Stop() error { return nil }

func (s *fakeSession) Log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

func (s *fakeSession) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(&s.log, format+"\n", args...)
}

func (s *fakeSession) Close() error {
	var errs []error
	for _, f := range s.closes {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}

const fakePort = 7777

// scrambled is a connection on which no byte is what it is: no box reads anything in it.
type scrambled struct{ net.Conn }

func scramble(b []byte) {
	for i := range b {
		b[i] ^= 0xa5
	}
}

func (c scrambled) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	scramble(b[:n])
	return n, err
}

func (c scrambled) Write(b []byte) (int, error) {
	other := append([]byte(nil), b...)
	scramble(other)
	return c.Conn.Write(other)
}

// serveTunnel runs the far end of a tunnel on the server: a line with an address, and then what is sent there.
func serveTunnel(s *fakeSession) error {
	l, err := s.place.Server.Listen(context.Background(), "tcp", fmt.Sprintf(":%d", fakePort))
	if err != nil {
		return err
	}
	s.closes = append(s.closes, l.Close)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.carry(scrambled{c})
		}
	}()
	return nil
}

func (s *fakeSession) carry(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	line, err := in.ReadString('\n')
	if err != nil {
		return
	}
	host, port, _ := net.SplitHostPort(strings.TrimSpace(line))
	addrs, err := s.place.Server.Resolver().LookupHost(context.Background(), host)
	if err != nil {
		s.say("resolve %s: %v", host, err)
		return
	}
	far, err := s.place.Server.DialContext(context.Background(), "tcp", net.JoinHostPort(addrs[0], port))
	if err != nil {
		s.say("dial: %v", err)
		return
	}
	defer far.Close()
	go func() {
		_, _ = io.Copy(far, in)
		far.Close()
	}()
	_, _ = io.Copy(c, far)
}

// tunnelVia reaches goals through serveTunnel. Where the far end does not resolve, the client asks its own resolver.
func tunnelVia(resolves bool) func(*fakeSession) probe.Via {
	return func(s *fakeSession) probe.Via {
		return probe.Via{Resolves: resolves, Dial: func(ctx context.Context, _, address string) (net.Conn, error) {
			c, err := s.place.Client.DialContext(ctx, "tcp", net.JoinHostPort(s.place.Server.Addr4().String(), fmt.Sprint(fakePort)))
			if err != nil {
				return nil, err
			}
			if _, err := fmt.Fprintf(scrambled{c}, "%s\n", address); err != nil {
				c.Close()
				return nil, err
			}
			return scrambled{c}, nil
		}}
	}
}

var tcpGoals = []probe.Type{probe.TypeDownload, probe.TypeHTTPS}

// small fakes: a tunnel that keeps its promise, one that asks for names itself, a "tunnel" that goes to the site itself, and so on.
func fakeTools() fakes {
	all := fakes{}
	for name, f := range map[string]*fake{
		"direct":   {Tool: tools.Tool{Direct: true, Carries: tcpGoals}},
		"tunnel":   {Tool: tools.Tool{Carries: tcpGoals}, open: serveTunnel, via: tunnelVia(true)},
		"resolver": {Tool: tools.Tool{Carries: tcpGoals}, open: serveTunnel, via: tunnelVia(false)},
		"liar":     {Tool: tools.Tool{Carries: tcpGoals}, open: serveTunnel},
		"quic":     {Tool: tools.Tool{Direct: true, Carries: []probe.Type{probe.TypeHTTP3}}},
		"absent":   {Tool: tools.Tool{Carries: tcpGoals}, missing: "absent is not on PATH"},
		"dead":     {Tool: tools.Tool{Carries: tcpGoals}, start: errors.New("dead: exit status 23")},
		"idle":     {Tool: tools.Tool{Direct: true, Carries: tcpGoals}, used: errors.New("its counter did not move")},
	} {
		f.Name, f.About = name, "a fake"
		all[name] = f
	}
	return all
}

// smallPlan is of the scenario in testdata.
func smallPlan(t *testing.T, f fakes, phases []string, names ...string) *Plan {
	t.Helper()
	live(t)
	var err error
	p := &Plan{}
	p.Columns, err = columns([]string{"testdata/small/scenario.yaml"}, phases)
	require.NoError(t, err)
	for _, n := range names {
		p.Tools = append(p.Tools, &f[n].Tool)
	}
	return p
}
