package tools

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"dpilab/lab/probe"
	"dpilab/lab/service"
)

// Session is a tool in a lab: its secrets, its files and its server part, over several starts of the client part. It belongs to one
// goroutine.
type Session struct {
	tool  *Tool
	place Place
	life  context.Context // Open's: when it ends, so do the parts

	values  map[string]string // of the place and the secrets
	journal journal
	mark    string
	server  *running // nil: none
	client  *running // nil: not started, or there is no client part
	started bool

	way entry
}

// Open makes secrets, writes the server's files and starts the server part, where there is one, and waits until it is ready. The parts
// run until Close, or until ctx ends.
func (t *Tool) Open(ctx context.Context, p Place) (s *Session, err error) {
	if err := p.check(t.def); err != nil {
		return nil, fmt.Errorf("%s: %w", t.Name, err)
	}
	if missing := t.Missing(); len(missing) > 0 {
		return nil, fmt.Errorf("%s: %s", t.Name, strings.Join(missing, ", "))
	}
	s = &Session{tool: t, place: p, life: ctx, values: p.words(), mark: hex.EncodeToString(random(8))}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", t.Name, err)
			s.Close()
			s = nil
		}
	}()
	for _, x := range t.def.secrets {
		if err := x.make(s.values, p.Dir, p.Services.CA); err != nil {
			return s, fmt.Errorf("secret %s: %w", x.name, err)
		}
	}
	if err := t.def.writeFiles(p.Dir, s.values, false); err != nil {
		return s, err
	}
	if t.def.server != nil {
		s.server = s.running("server", t.def.server, s.values)
		return s, s.server.begin(ctx, ctx)
	}
	return s, nil
}

func (s *Session) running(name string, part *part, values map[string]string) *running {
	mark := s.mark + "-" + name
	env := append(os.Environ(), service.Env(s.place.Services.CAFile)...)
	env = append(env, "HOME="+s.place.Dir, markVariable+"="+mark) // HOME: what a program keeps for later is not kept
	for _, v := range part.env {
		env = append(env, v.name+"="+fill(v.value, values))
	}
	return &running{
		part: part, name: name, values: values, journal: &s.journal, mark: mark,
		launch: launch{host: s.place.hostOf(name, part), plain: part.plain, dir: s.place.Dir, env: env, part: name},
	}
}

// Start starts the client part anew, with the goal's words filled in, and waits until it is ready. The end of ctx ends the waiting; what
// has started goes on. After an error the client part is stopped.
func (s *Session) Start(ctx context.Context, goal probe.Probe) error {
	if err := s.Stop(); err != nil {
		return err
	}
	if err := s.begin(ctx, goal); err != nil {
		_ = s.Stop() // the first error says more
		return fmt.Errorf("%s: %w", s.tool.Name, err)
	}
	s.started = true
	return nil
}

func (s *Session) begin(ctx context.Context, goal probe.Probe) error {
	if !slices.Contains(s.tool.Carries, goal.Type) {
		return fmt.Errorf("found the goal %s, which it does not carry", goal.Type)
	}
	if err := s.alive(); err != nil {
		return err
	}
	values := maps.Clone(s.values)
	maps.Copy(values, goalValues(goal))
	if err := s.tool.def.writeFiles(s.place.Dir, values, true); err != nil {
		return err
	}
	if s.tool.def.client != nil {
		s.client = s.running("client", s.tool.def.client, values)
		if err := s.client.begin(s.life, ctx); err != nil {
			return err
		}
	}
	way, err := s.enter(values)
	s.way = way
	return err
}

// Try tries a probe through the tool. It may be called often between Start and Stop.
func (s *Session) Try(ctx context.Context, p probe.Probe) probe.Outcome {
	if !s.started {
		return failed(errors.New("the client part is not started: Session.Start"))
	}
	if err := s.alive(); err != nil {
		return failed(err)
	}
	if err := s.way.before(ctx); err != nil {
		return failed(err)
	}
	return s.way.try(ctx, p)
}

// failed is the outcome of what the tool itself could not do.
func failed(err error) probe.Outcome {
	return probe.Outcome{Kind: probe.Failed, Detail: strings.Join(strings.Fields(err.Error()), " ")}
}

// Used says nothing when the last probe's traffic went through the tool as far as the tool's side can tell (a proxy that was spoken to, a
// counter of a hook that moved, an interface that carried packets), and what speaks against it otherwise. Of a resolver, of a program that
// does the goal itself and of a built-in tool there is nothing to doubt.
func (s *Session) Used() error {
	if !s.started {
		return errors.New("the client part is not started: Session.Start")
	}
	if err := s.alive(); err != nil {
		return err
	}
	return s.way.used(s.life)
}

// alive says which part has ended that should run.
func (s *Session) alive() error {
	for _, r := range []*running{s.server, s.client} {
		if r == nil {
			continue
		}
		if end := r.dead(); end != "" {
			if s.life.Err() != nil {
				return context.Cause(s.life)
			}
			return r.fail("%s; %s", end, r.process.out.end())
		}
	}
	return nil
}

// Stop ends the client part and undoes what Start did to the host. It may be called more than once.
func (s *Session) Stop() error {
	s.started = false
	if s.client == nil {
		return nil
	}
	err := s.client.end()
	s.client = nil
	return err
}

// Log gives what the parts have written since Open, each line with the part before it; at most 64 KiB, the end of it.
func (s *Session) Log() string { return s.journal.String() }

// Close stops the client and the server. It may be called more than once.
func (s *Session) Close() error {
	err := s.Stop()
	if s.server != nil {
		err = errors.Join(err, s.server.end())
		s.server = nil
	}
	return err
}
