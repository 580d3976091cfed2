package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"dpilab/lab"
)

// Run measures. The process must have been through lab.Enter, and its program must call Hidden. When ctx ends it stops, with ctx's
// error; in no case is anything left behind. One Run at a time.
func Run(ctx context.Context, o Options) (*Report, error) {
	if err := o.defaults(); err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "dpilab-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	r := newRunner(ctx, o, folder)
	err = r.all()
	r.close()
	if err != nil {
		return nil, err
	}
	return r.report(), nil
}

// runner is one Run.
type runner struct {
	ctx    context.Context
	o      Options
	folder string

	samples  *samples
	ratios   map[string]float64
	order    []string // of ratios
	leftOut  []Remark
	notes    []Remark
	failed   []Remark
	progress Progress
	machine  Machine

	lab            *lab.Lab
	client, server *agent
	prober         *agent // on the client's host too, for what is asked while the client makes load
	policies       policies
	openGFW        string // its program, once it was looked for
	noOpenGFW      error  // why there is none
}

func newRunner(ctx context.Context, o Options, folder string) *runner {
	return &runner{
		ctx: ctx, o: o, folder: folder, samples: newSamples(), ratios: map[string]float64{}, machine: thisMachine(),
		policies: policies{folder: folder}, leftOut: []Remark{}, notes: []Remark{}, failed: []Remark{},
	}
}

func (r *runner) all() error {
	for _, b := range benchmarks {
		if !slices.Contains(r.o.Names, b.name) {
			continue
		}
		r.progress = Progress{Bench: b.name, Number: r.progress.Number + 1, Of: len(r.o.Names), Rounds: r.o.Rounds}
		if err := b.run(r); err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
		if err := r.ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) tell(round int, path string, remaining int) {
	r.progress.Round, r.progress.Path, r.progress.Remaining = round+1, path, remaining
	if r.o.Progress != nil {
		r.o.Progress(r.progress)
	}
}

// ratio notes what came of comparing, where there is something to compare.
func (r *runner) ratio(name string, value float64, ok bool) {
	if !ok {
		return
	}
	if _, old := r.ratios[name]; !old {
		r.order = append(r.order, name)
	}
	r.ratios[name] = value
}

// fail notes that a path came out wrong: its figures are not given.
func (r *runner) fail(name string, err error) { remark(&r.failed, name, err.Error()) }

func (r *runner) leaveOut(name, why string) { remark(&r.leftOut, name, why) }

func (r *runner) note(name, text string) { remark(&r.notes, name, text) }

// remark keeps the first of each name.
func remark(all *[]Remark, name, text string) {
	if !slices.ContainsFunc(*all, func(x Remark) bool { return x.Name == name }) {
		*all = append(*all, Remark{name, text})
	}
}

func (r *runner) report() *Report {
	x := &Report{
		Machine: r.machine, Rounds: r.o.Rounds, Seconds: r.o.Duration.Seconds(), Domains: r.o.Domains,
		Rows: r.samples.rows(), Ratios: r.ratios, Targets: map[string]Target{},
		Missed: []string{}, LeftOut: r.leftOut, Notes: r.notes, Failed: r.failed, order: r.order,
	}
	for _, name := range r.order {
		t, ok := targets[name]
		if !ok {
			continue
		}
		x.Targets[name] = t
		if !t.Met(r.ratios[name]) {
			x.Missed = append(x.Missed, name)
		}
	}
	return x
}

// open builds the lab and starts its agents, once.
func (r *runner) open() error {
	if r.lab != nil {
		return nil
	}
	var err error
	if r.lab, err = lab.Build(r.ctx, wireTopology(), lab.Options{}); err != nil {
		return err
	}
	for _, x := range []struct {
		host string
		a    **agent
	}{{"client", &r.client}, {"client", &r.prober}, {"server", &r.server}} {
		if *x.a, err = startAgent(x.host, r.lab.Host(x.host).Do); err != nil {
			return err
		}
	}
	_, err = r.server.ask(r.ctx, job{Kind: "serve", To: serverAddr})
	return err
}

func (r *runner) close() {
	for _, a := range []*agent{r.client, r.prober, r.server} {
		if a != nil {
			a.close()
		}
	}
	if r.lab != nil {
		if err := r.lab.Close(); err != nil && !errors.Is(err, context.Canceled) {
			r.fail("lab", err)
		}
	}
}
