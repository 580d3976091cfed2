package tools

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"dpilab/lab"
	"dpilab/lab/probe"
)

// entry is how probes get into a tool that has been started.
type entry interface {
	before(ctx context.Context) error // each try
	try(ctx context.Context, p probe.Probe) probe.Outcome
	used(ctx context.Context) error // by the last try
}

// enter makes the entry of the started tool. values are those of the place, the secrets and the goal.
func (s *Session) enter(values map[string]string) (entry, error) {
	t := s.tool.def.traffic
	from := probe.From{Host: s.place.Client, Services: s.place.Services, Via: probe.Via{Resolver: fill(t.resolver, values)}}
	switch t.way {
	case waySOCKS5, waySOCKS5H, wayHTTP:
		x := &proxy{at: fill(t.at, values), user: fill(t.user, values), password: fill(t.password, values), client: s.place.Client}
		from.Via.Dial, from.Via.Resolves = x.dialSOCKS, t.way == waySOCKS5H
		if t.way == wayHTTP {
			from.Via.Dial, from.Via.Resolves = x.dialHTTP, true
		}
		if t.udp {
			from.Via.ListenPacket = x.listenPacket
			if far := values["resolver.far"]; t.resolver == "" && far != "" {
				from.Via.Resolver = net.JoinHostPort(far, strconv.Itoa(lab.PortDNS))
			}
		}
		return &throughProxy{plainEntry{from}, x}, nil
	case wayTUN:
		return &throughInterface{plainEntry: plainEntry{from}, name: fill(t.at, values)}, nil
	case wayHook:
		return &throughHook{plainEntry: plainEntry{from}, counter: t.counter.fill(values), client: s.client}, nil
	case wayDNS:
		from.Via.Resolver = fill(t.at, values)
		return plainEntry{from}, nil
	case wayClient:
		return &byItself{session: s}, nil
	case wayBuiltin:
		b := s.tool.def.builtin
		via, err := b.maker().via(s.place, b.option)
		from.Via = via
		return plainEntry{from}, err
	}
	return nil, fmt.Errorf("found the way %q, which leads nowhere", t.way)
}

// plainEntry is the prober's own connections, by a way that leaves no doubt.
type plainEntry struct{ from probe.From }

func (e plainEntry) before(context.Context) error { return nil }

func (e plainEntry) try(ctx context.Context, p probe.Probe) probe.Outcome { return p.Try(ctx, e.from) }

func (e plainEntry) used(context.Context) error { return nil }

// throughProxy counts what the proxy did.
type throughProxy struct {
	plainEntry
	proxy *proxy
}

func (e *throughProxy) before(context.Context) error {
	e.proxy.answered.Store(0)
	e.proxy.received.Store(0)
	return nil
}

func (e *throughProxy) used(context.Context) error {
	switch {
	case e.proxy.answered.Load() == 0:
		return fmt.Errorf("the proxy on %s was not asked, or opened no connection", e.proxy.at)
	case e.proxy.received.Load() == 0:
		return fmt.Errorf("no byte came back from the proxy on %s", e.proxy.at)
	}
	return nil
}

// throughInterface looks at the counters of a tunnel's interface.
type throughInterface struct {
	plainEntry
	name string
	old  counts
}

func (e *throughInterface) counts() (counts, error) {
	c, err := trafficOf(e.from.Host, e.name)
	if err != nil {
		return counts{}, err
	}
	if c == nil {
		return counts{}, fmt.Errorf("%s has no interface %s", e.from.Host.Name, e.name)
	}
	return *c, nil
}

func (e *throughInterface) before(context.Context) (err error) {
	e.old, err = e.counts()
	return err
}

func (e *throughInterface) used(context.Context) error {
	c, err := e.counts()
	switch {
	case err != nil:
		return err
	case c.out == e.old.out:
		return fmt.Errorf("nothing went into the interface %s", e.name)
	case c.in == e.old.in:
		return fmt.Errorf("nothing came out of the interface %s", e.name)
	}
	return nil
}

// throughHook looks at a counter of the tool's, by a command on the host of its client part.
type throughHook struct {
	plainEntry
	counter command
	client  *running
	old     string
}

func (e *throughHook) before(ctx context.Context) (err error) {
	e.old, err = e.client.output(ctx, e.counter)
	return err
}

func (e *throughHook) used(ctx context.Context) error {
	now, err := e.client.output(ctx, e.counter)
	if err == nil && now == e.old {
		err = fmt.Errorf("the hook's counter has not moved: %s still gives %q", e.counter, firstLine(now))
	}
	return err
}

// output runs a command on the part's host, and gives what it writes.
func (r *running) output(ctx context.Context, c command) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.part.within, errors.New("not at its end"))
	defer cancel()
	cmd := r.launch.host.Command(ctx, c[0], c[1:]...)
	cmd.Dir, cmd.Env = r.launch.dir, r.launch.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", r.fail("%s: %v: %s", c, err, firstLine(string(out)))
	}
	return string(out), nil
}
