package matrix

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"dpilab/lab"
	"dpilab/lab/probe"
	"dpilab/scenarios"
	"dpilab/scenarios/tools"
)

// bench is where a worker tries a tool: a lab that no other tool was in, and the tool's server part. It belongs to one goroutine.
type bench struct {
	*runner
	row      *row
	scenario *scenarios.Scenario
	view     *view
	lab      *lab.Lab
	services *lab.Services
	server   string
	session  session
	broken   string // why there is no session
	close    func() error
}

// tryTime is how long a try may take, with the start of the client part.
const tryTime = 90 * time.Second

// workRow works at the cells of a tool until none is left.
func (r *runner) workRow(ctx context.Context, w *row) (err error) {
	var b *bench
	defer func() {
		if b != nil {
			err = errors.Join(err, b.close())
		}
	}()
	r.version(ctx, w)
	for {
		s := w.take()
		if s == nil {
			return nil
		}
		for tries := 1; ; tries++ {
			if b, err = r.benchFor(ctx, b, w, s); err == nil {
				err = b.cell(ctx, s)
			}
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			// Something of the lab does not work any more: another one, once.
			if b != nil {
				_ = b.close() // whose state nobody knows
				b = nil
			}
			if tries == 2 {
				s.cell.Status, s.cell.Why = Broken, "the lab failed: "+oneLine(err.Error())
				r.put(s.cell)
				break
			}
		}
	}
}

// benchFor gives the bench that a cell belongs to: the one at hand, or a new one in its place.
func (r *runner) benchFor(ctx context.Context, b *bench, w *row, s *slot) (*bench, error) {
	if b != nil && b.scenario == s.column.Scenario && b.server == s.column.Phase.Server {
		return b, nil
	}
	if b != nil {
		if err := b.close(); err != nil {
			return nil, err
		}
	}
	return r.openBench(ctx, w, s)
}

// version asks a tool for its version, once.
func (r *runner) version(ctx context.Context, w *row) {
	w.asked.Do(func() {
		v := r.with.version(ctx, w.tool)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.result.Tools[w.number].Version = v
	})
}

// openBench builds a lab and opens the tool in it. That the tool does not start is no error: its cells are broken.
func (r *runner) openBench(ctx context.Context, w *row, s *slot) (_ *bench, err error) {
	sc := s.column.Scenario
	b := &bench{runner: r, row: w, scenario: sc, server: s.column.Phase.Server}
	if b.view, err = r.viewOf(sc); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(r.dir, "tool-")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	var done func() error
	if b.lab, b.services, done, err = r.build(ctx, sc); err != nil {
		return nil, err
	}
	b.close = func() error {
		if b.session != nil {
			_ = b.session.Close() // that a client part does not stop was said with its try; the end of the lab takes the rest
		}
		return errors.Join(done(), os.RemoveAll(dir))
	}
	b.session, err = r.with.open(ctx, w.tool, tools.Place{
		Lab: b.lab, Services: b.services, Client: b.lab.Host(sc.Client), Router: b.lab.Host(b.view.router), Server: b.lab.Host(b.server),
		Cover: coverOf(sc, b.view, b.server), Dir: dir,
	})
	if err != nil {
		b.session, b.broken = nil, "does not start: "+oneLine(err.Error())
	}
	return b, nil
}

// viewOf gives the view of a scenario's lab.
func (r *runner) viewOf(s *scenarios.Scenario) (*view, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v := r.views[s]; v != nil {
		return v, nil
	}
	v, err := newView(s.Topology, s.Client)
	if err == nil {
		r.views[s] = v
	}
	return v, err
}

// cell tries one cell and puts it into the result.
func (b *bench) cell(ctx context.Context, s *slot) error {
	defer b.trying(s.cell.String())()
	broken, ref, err := b.controls(ctx, s)
	if err != nil {
		return err
	}
	if broken != "" {
		s.cell.Status, s.cell.Why = Broken, broken
		b.put(s.cell)
		return nil
	}
	var all []*try
	for n := range b.Repeat {
		t, err := b.try(ctx, s, n, ref)
		if err == nil && t.unexplained() { // a machine with other work fails for a moment, a tool that does not work each time
			t, err = b.try(ctx, s, n, ref)
		}
		if err != nil {
			return err
		}
		all = append(all, t)
	}
	judge(s.cell, s.column, all, ref.rates, b.yards[s.goal].rates)
	b.put(s.cell)
	return nil
}

// controls waits for what a cell is judged by, and says what does not hold of it.
func (b *bench) controls(ctx context.Context, s *slot) (broken string, ref *reference, err error) {
	p, y := b.phases[s.column], b.yards[s.goal]
	if err := errors.Join(wait(ctx, p.done), wait(ctx, y.done)); err != nil {
		return "", nil, err
	}
	switch {
	case p.broken != "":
		return "the phase: " + p.broken, nil, nil
	case y.broken != "":
		return y.broken, nil, nil
	case b.session == nil:
		return b.broken, nil, nil
	}
	ref, err = b.reference(ctx, s.goal)
	if err != nil {
		return "", nil, err
	}
	return ref.broken, ref, nil
}

// refKey is what a reference belongs to.
type refKey struct {
	goal   *scenarios.Probe
	server string
}

// reference is a goal through a tool without a box.
type reference struct {
	done   chan struct{}
	rates  []float64
	broken string
}

// reference tries a goal through the tool without a box, once in a run for each host that the server part runs on; another worker of the same
// tool waits for it.
func (b *bench) reference(ctx context.Context, goal *scenarios.Probe) (*reference, error) {
	b.row.mu.Lock()
	key := refKey{goal, b.server}
	ref := b.row.refs[key]
	mine := ref == nil
	if mine {
		ref = &reference{done: make(chan struct{})}
		b.row.refs[key] = ref
	}
	b.row.mu.Unlock()
	if !mine {
		return ref, wait(ctx, ref.done)
	}
	b.services.Restore()
	log := len(b.session.Log())
	within, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	ref.rates, ref.broken = b.withoutBox(within, goal.Probe)
	if ref.broken != "" {
		ref.broken = "does not work without a box: " + ref.broken + lastLine(b.session.Log(), log)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	close(ref.done)
	return ref, nil
}

// withoutBox tries a goal through the tool with no box on the wire; once more, with the client part started anew, when it does not work.
func (b *bench) withoutBox(ctx context.Context, goal probe.Probe) (rates []float64, broken string) {
	for range 2 {
		calm(ctx)
		if err := b.session.Start(ctx, goal); err != nil {
			broken = oneLine(err.Error())
		} else {
			rates, broken = b.tries(ctx, func() (probe.Outcome, error) { return b.session.Try(ctx, goal), nil })
			if err := b.session.Used(); err != nil && broken == "" {
				broken = "the traffic does not go through the tool: " + oneLine(err.Error())
			}
		}
		if err := b.session.Stop(); err != nil && broken == "" {
			broken = "does not stop: " + oneLine(err.Error())
		}
		if broken == "" {
			break
		}
	}
	return rates, broken
}

// keptDir is the folder of a try below the one that is kept.
func keptDir(c *Cell, n int) string {
	return filepath.Join(fileName(c.Tool), fileName(c.Scenario), fileName(c.Phase), fmt.Sprint(n+1))
}
