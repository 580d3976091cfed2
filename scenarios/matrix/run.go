package matrix

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"dpilab/lab/probe"
	"dpilab/scenarios"
	"dpilab/scenarios/tools"
)

// Options say how a plan is run. The zero value is the usual way.
type Options struct {
	Repeat  int            // tries of each cell; 0: 3
	Seed    uint64         // of the first try's box; each further one has the next
	Labs    int            // at once; 0: as DefaultLabs says
	Require bool           // a tool that lacks something is an error of type *MissingError
	Keep    string         // folder for the captures, events and logs of each try; "": they are not kept
	Dpilab  string         // the version of the program
	Update  func(Progress) // called one at a time, from many goroutines; it must not wait

	with starter // nil: the tools themselves
}

// starter is what a matrix wants of tools.Tool.
type starter interface {
	missing(*tools.Tool) []string
	version(context.Context, *tools.Tool) string
	onRouter(*tools.Tool) bool
	open(context.Context, *tools.Tool, tools.Place) (session, error)
}

// themselves starts the tools.
type themselves struct{}

func (themselves) missing(t *tools.Tool) []string                    { return t.Missing() }
func (themselves) version(ctx context.Context, t *tools.Tool) string { return t.Version(ctx) }
func (themselves) onRouter(t *tools.Tool) bool                       { return t.OnRouter() }
func (themselves) open(ctx context.Context, t *tools.Tool, p tools.Place) (session, error) {
	s, err := t.Open(ctx, p)
	if err != nil {
		return nil, err // and no session that is a nil *tools.Session
	}
	return s, nil
}

const defaultRepeat = 3

// session is what a matrix wants of tools.Session.
type session interface {
	Start(context.Context, probe.Probe) error
	Try(context.Context, probe.Probe) probe.Outcome
	Used() error
	Stop() error
	Log() string
	Close() error
}

// MissingError is what tools lack here.
type MissingError struct{ Tools []Tool }

// Error names each tool with what it lacks.
func (e *MissingError) Error() string {
	var all []string
	for _, t := range e.Tools {
		all = append(all, t.Name+": "+strings.Join(t.Missing, ", "))
	}
	return "what tools need is missing: " + strings.Join(all, "; ")
}

// Run works through the plan. The process must have been through lab.Enter. What a tool comes to is in the result and no error. When ctx ends,
// so does the run: its cause is the error, and the result says so and holds what was done until then. Nothing of the labs is left either
// way, and of the folder to keep only what was written whole.
func (p *Plan) Run(ctx context.Context, o Options) (*Result, error) {
	r := newRunner(p, o)
	if missing := r.missing(); len(missing) > 0 && o.Require {
		return nil, &MissingError{missing}
	}
	if err := os.MkdirAll(workDir, 0o755); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(workDir, "matrix-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // programs may run as a plain user
		return nil, err
	}
	r.dir = dir
	r.skip()
	r.tell(nil)
	g, within := errgroup.WithContext(ctx)
	for range min(r.Labs, len(r.queue.jobs)+len(r.queue.rows)*len(p.Columns)) {
		g.Go(func() error { return r.work(within) })
	}
	err = g.Wait()
	if ctx.Err() != nil {
		err = context.Cause(ctx) // not what ending early led to
	}
	r.finish(err != nil)
	return r.result, err
}

// workDir is where the files of tools and captures are: on the tmpfs of lab.Enter, so that they go with the namespaces.
const workDir = "/run/dpilab"

// runner is a run under way.
type runner struct {
	Options
	plan  *Plan
	dir   string
	queue queue
	views map[*scenarios.Scenario]*view

	phases map[*Column]*proof
	yards  map[*scenarios.Probe]*yardstick

	bulk sync.Mutex // held while a rate is measured again that looked too low

	mu      sync.Mutex
	result  *Result
	begun   time.Time
	of      int // cells to try
	done    int
	skipped int
	running []string
}

func newRunner(p *Plan, o Options) *runner {
	if o.Repeat <= 0 {
		o.Repeat = defaultRepeat
	}
	if o.Labs <= 0 {
		o.Labs = DefaultLabs()
	}
	if o.with == nil {
		o.with = themselves{}
	}
	r := &runner{
		Options: o, plan: p, begun: time.Now(), views: map[*scenarios.Scenario]*view{}, phases: map[*Column]*proof{}, yards: map[*scenarios.Probe]*yardstick{},
		result: &Result{Schema: SchemaName, Dpilab: o.Dpilab, Started: time.Now().UTC().Truncate(time.Second), Seed: o.Seed, Repeat: o.Repeat, Labs: o.Labs, Kernel: kernel()},
	}
	if s := p.Shard.String(); s != "" {
		r.result.Shards = []string{s}
	}
	for _, t := range p.Tools {
		r.result.Tools = append(r.result.Tools, Tool{Name: t.Name, About: t.About, Link: t.Link, Missing: o.with.missing(t)})
	}
	for _, c := range p.Columns {
		r.result.Phases = append(r.result.Phases, phaseOf(c))
	}
	return r
}

// missing gives the tools that cannot run here.
func (r *runner) missing() []Tool {
	return slices.DeleteFunc(slices.Clone(r.result.Tools), func(t Tool) bool { return len(t.Missing) == 0 })
}

// skip makes the rows of what can be tried, and says of the other cells why they are not. It fills the queue.
func (r *runner) skip() {
	p := r.plan
	for i, t := range p.Tools {
		w := &row{tool: t, refs: map[refKey]*reference{}, number: i}
		for j, c := range p.Columns {
			if !p.Shard.has(i, j, len(p.Tools)) {
				continue
			}
			cell := r.newCell(t, c)
			goal := c.goalFor(t)
			switch {
			case len(r.result.Tools[i].Missing) > 0:
				cell.Why = strings.Join(r.result.Tools[i].Missing, ", ")
			case goal == nil:
				cell.Why = fmt.Sprintf("does not carry %s", strings.Join(c.types(), " or "))
			default:
				cell.Goal = goal.Name
				w.slots = append(w.slots, &slot{column: c, goal: goal, cell: cell, number: j})
				r.need(c, goal)
				continue
			}
			r.result.Cells = append(r.result.Cells, *cell)
			r.skipped++
		}
		if len(w.slots) > 0 {
			// Phases with the same server after one another, so that the tool's server part is started as seldom as can be.
			slices.SortStableFunc(w.slots, func(a, b *slot) int {
				return strings.Compare(a.place(), b.place())
			})
			r.queue.rows = append(r.queue.rows, w)
			r.of += len(w.slots)
		}
	}
}

func (r *runner) newCell(t *tools.Tool, c *Column) *Cell {
	return &Cell{Tool: t.Name, Policy: c.Phase.Policy(), Scenario: c.Scenario.Name, Phase: c.Phase.Name, Status: Skipped}
}

// need puts what a cell is judged by into the queue, once.
func (r *runner) need(c *Column, goal *scenarios.Probe) {
	if r.phases[c] == nil {
		p := &proof{column: c, done: make(chan struct{})}
		r.phases[c] = p
		r.queue.jobs = append(r.queue.jobs, func(ctx context.Context) error { return r.prove(ctx, p) })
	}
	if r.yards[goal] == nil {
		y := &yardstick{scenario: c.Scenario, goal: goal, done: make(chan struct{})}
		r.yards[goal] = y
		r.queue.jobs = append(r.queue.jobs, func(ctx context.Context) error { return r.measureDirect(ctx, y) })
	}
}

// work does what is next until nothing is left.
func (r *runner) work(ctx context.Context) error {
	for ctx.Err() == nil {
		job, row := r.queue.next()
		switch {
		case job != nil:
			if err := job(ctx); err != nil {
				return err
			}
		case row != nil:
			if err := r.workRow(ctx, row); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return context.Cause(ctx)
}

// finish puts the result into its order, and says what was not come to.
func (r *runner) finish(partial bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	have := map[string]bool{}
	for i := range r.result.Cells {
		c := &r.result.Cells[i]
		have[cellKey(c.Tool, c.Scenario, c.Phase)] = true
	}
	p := r.plan
	place := map[string]int{}
	for i, t := range p.Tools {
		for j, c := range p.Columns {
			key := cellKey(t.Name, c.Scenario.Name, c.Phase.Name)
			place[key] = i*len(p.Columns) + j
			if !have[key] && p.Shard.has(i, j, len(p.Tools)) {
				cell := r.newCell(t, c)
				cell.Why = "the run ended before"
				r.result.Cells = append(r.result.Cells, *cell)
			}
		}
	}
	slices.SortFunc(r.result.Cells, func(a, b Cell) int {
		return place[cellKey(a.Tool, a.Scenario, a.Phase)] - place[cellKey(b.Tool, b.Scenario, b.Phase)]
	})
	r.result.Partial = partial
	r.result.Seconds = float64(time.Since(r.begun).Milliseconds()) / 1000
}

func kernel() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
}
