package tools

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dpilab/lab"
)

// running is a part that has been started.
type running struct {
	part    *part
	name    string // server or client
	launch  launch
	values  map[string]string
	journal *journal
	mark    string
	life    context.Context
	process *process // nil: nothing runs on
	touched bool     // the host may have been changed
}

// poll is how often is looked whether a part is ready.
const poll = 10 * time.Millisecond

// begin runs what comes before, starts the program, waits until it is ready, and runs what comes after. life is how long the program may
// run, ctx how long is waited. After an error the caller ends the part.
func (r *running) begin(life, ctx context.Context) error {
	r.life = life
	if err := r.free(); err != nil {
		return err
	}
	r.touched = true
	if err := r.runAll(ctx, r.part.before); err != nil {
		return err
	}
	if r.part.run != nil {
		p, err := r.launch.start(life, r.part.run.fill(r.values), r.journal, r.part.ready...)
		if err != nil {
			return err
		}
		r.process = p
	}
	if err := r.await(ctx); err != nil {
		return err
	}
	return r.runAll(ctx, r.part.after)
}

// free says which port that the part is going to bind is taken.
func (r *running) free() error {
	for _, c := range r.part.ready {
		if c.port == 0 {
			continue
		}
		taken, err := bound(r.launch.host, c.kind, c.port)
		if err != nil {
			return err
		}
		if taken {
			return r.fail("%s port %d is taken before it starts: let it use another, or run it on another host", c.kind, c.port)
		}
	}
	return nil
}

func (r *running) fail(format string, args ...any) error {
	return fmt.Errorf("%s on %s: %s", r.name, r.launch.host.Name, fmt.Sprintf(format, args...))
}

// runAll runs commands to their end, one after the other.
func (r *running) runAll(ctx context.Context, all []command) error {
	for _, c := range all {
		if err := r.runOne(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

func (r *running) runOne(ctx context.Context, c command) error {
	ctx, cancel := context.WithTimeoutCause(ctx, r.part.within, fmt.Errorf("not at its end after %s", r.part.within))
	defer cancel()
	p, err := r.launch.start(ctx, c.fill(r.values), r.journal)
	if err != nil {
		return err
	}
	defer p.stop()
	if err := p.wait(ctx); err != nil {
		return r.fail("%s: %v; %s", p.text, err, p.out.end())
	}
	if end := p.ended(); p.err != nil {
		return r.fail("%s %s; %s", p.text, end, p.out.end())
	}
	return nil
}

// await waits until everything holds that the part is ready by.
func (r *running) await(ctx context.Context) error {
	late := time.NewTimer(r.part.within)
	defer late.Stop()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		missing, err := r.unfulfilled()
		if err != nil || missing == "" {
			return err
		}
		if end := r.dead(); end != "" {
			if r.life.Err() != nil {
				return context.Cause(r.life)
			}
			return r.fail("%s before it was ready (%s); %s", end, missing, r.process.out.end())
		}
		select {
		case <-tick.C:
		case <-late.C:
			wrote := ""
			if r.process != nil {
				wrote = "; " + r.process.out.end()
			}
			return r.fail("%s is not ready after %s: waited for %s%s", r.what(), r.part.within, missing, wrote)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// what names the program.
func (r *running) what() string {
	if r.process == nil {
		return "it"
	}
	return r.process.text
}

// unfulfilled gives the first condition that does not hold, "" when all do.
func (r *running) unfulfilled() (string, error) {
	for _, c := range r.part.ready {
		ok, err := c.holds(r.launch.host, r.process, r.values)
		if err != nil {
			return "", err
		}
		if !ok {
			return c.String(), nil
		}
	}
	return "", nil
}

// dead says how the program ended that should run, "" while it does.
func (r *running) dead() string {
	if r.process == nil {
		return ""
	}
	end := r.process.ended()
	if end != "" && r.process.err == nil && r.ends() {
		return ""
	}
	if end != "" {
		end = r.process.text + " " + end
	}
	return end
}

// ends tells whether the program is one that ends once all is set up.
func (r *running) ends() bool {
	for _, c := range r.part.ready {
		if c.kind == "exit" {
			return true
		}
	}
	return false
}

// end stops the program, and undoes what the part did to the host. All that it started is gone afterwards.
func (r *running) end() error {
	if r.process != nil {
		r.process.stop()
	}
	var errs []error
	// Also when the session's context is done: a host goes on after the tool.
	ctx, cancel := context.WithTimeout(context.Background(), r.part.within)
	defer cancel()
	for _, c := range r.part.undo {
		if r.touched {
			errs = append(errs, r.runOne(ctx, c))
		}
	}
	sweep(r.mark)
	return errors.Join(errs...)
}

// hostOf says where a part runs.
func (p Place) hostOf(name string, part *part) *lab.Host {
	switch {
	case name == "server":
		return p.Server
	case part.router:
		return p.Router
	}
	return p.Client
}
