package oracle

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"dpilab/dpi"
	"dpilab/lab"
	"dpilab/rules"
)

// Topology is the lab that the oracle looks from.
const Topology = "internet"

// defaultLabs is how many labs run at once. Most of a test is waiting for what does not come.
const defaultLabs = 4

// Options say whom the oracle guesses. The zero value is each shipped policy in turn.
type Options struct {
	Policies []string // that ship, or files; OpenLine for none. None: all that ship, and an open line
	Labs     int      // that run at once. 0: 4, or as many as there are policies
	Seed     uint64   // of every chance that a box takes

	// Progress is called before each policy is guessed, from several goroutines, one at a time. nil: nobody wants to know.
	Progress func(policy string, number, of int)

	onHit func(policy, rule string) // for tests: what the oracle does not see. Called from several goroutines
}

// Guess is what the oracle said of a policy.
type Guess struct {
	Policy       string        `json:"policy"` // that was in force
	Named        bool          `json:"named"`  // the verdict is this policy, and no other
	Verdict      Verdict       `json:"verdict"`
	Observations []Observation `json:"observations"`
	Seconds      float64       `json:"seconds"`
}

// Report is what came of a run, in the order of the options.
type Report struct {
	Seed    uint64  `json:"seed"`
	Named   int     `json:"named"` // how many
	Seconds float64 `json:"seconds"`
	Guesses []Guess `json:"guesses"`
}

// Run puts each policy in force, and has the oracle name it. That it names another one is in the report and no error. When ctx ends, so does
// the run, with the cause as its error. The process must have been through lab.Enter.
func Run(ctx context.Context, o Options) (*Report, error) {
	start := time.Now()
	if len(o.Policies) == 0 {
		o.Policies = append(rules.ShippedNames(), OpenLine)
	}
	if o.Labs <= 0 {
		o.Labs = defaultLabs
	}
	compiled := make([]*rules.Compiled, len(o.Policies)) // before anything is built: a file may be broken
	for i, name := range o.Policies {
		if name == OpenLine {
			continue
		}
		p, err := rules.Open(name)
		if err != nil {
			return nil, err
		}
		if compiled[i], err = p.Compile(); err != nil {
			return nil, err
		}
		o.Policies[i] = p.Name
	}
	topology, err := lab.OpenTopology(Topology)
	if err != nil {
		return nil, err
	}
	r := &runner{Options: o, compiled: compiled, guesses: make([]Guess, len(o.Policies))}
	if err := r.labs(ctx, topology, min(o.Labs, len(o.Policies))); err != nil {
		return nil, err
	}
	report := &Report{Seed: o.Seed, Guesses: r.guesses, Seconds: time.Since(start).Seconds()}
	for _, g := range r.guesses {
		if g.Named {
			report.Named++
		}
	}
	return report, nil
}

// runner is a run under way.
type runner struct {
	Options
	compiled []*rules.Compiled
	guesses  []Guess

	mu   sync.Mutex
	next int
}

// labs works through the policies in so many labs at once. The first error ends all.
func (r *runner) labs(ctx context.Context, topology *lab.Topology, n int) error {
	work, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if errs[i] = r.lab(work, topology); errs[i] != nil {
				cancel()
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	return errors.Join(errs...)
}

// lab builds a lab, and guesses in it as long as there is something left.
func (r *runner) lab(ctx context.Context, topology *lab.Topology) (err error) {
	l, err := lab.Build(ctx, topology, lab.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	services, err := l.Serve(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, services.Close()) }()
	own, err := serve(ctx, l)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, own.close()) }()
	for {
		i := r.take()
		if i < 0 {
			return nil
		}
		if err := r.guess(ctx, l, own, i); err != nil {
			return err
		}
	}
}

// take gives the next policy's number, -1 when there is none.
func (r *runner) take() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next == len(r.Policies) {
		return -1
	}
	if r.Progress != nil {
		r.Progress(r.Policies[r.next], r.next+1, len(r.Policies))
	}
	r.next++
	return r.next - 1
}

func (r *runner) guess(ctx context.Context, l *lab.Lab, own *servers, i int) (err error) {
	start := time.Now()
	if r.compiled[i] != nil {
		options := lab.BoxOptions{Policy: r.compiled[i], Seed: r.Seed}
		if r.onHit != nil {
			options.OnEvent = func(e *dpi.Event) { r.onHit(r.Policies[i], e.Rule.Name) }
		}
		box, err := l.StartBox(l.Topology.Boxes[0], options)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, box.Close()) }()
	}
	g := Guess{Policy: r.Policies[i]}
	if g.Observations, err = look(ctx, l.Host("client"), own); err != nil {
		return err
	}
	if g.Verdict, err = Name(g.Observations); err != nil {
		return err
	}
	g.Named = slices.Equal(g.Verdict.Policies, []string{g.Policy})
	g.Seconds = time.Since(start).Seconds()
	r.guesses[i] = g
	return nil
}
