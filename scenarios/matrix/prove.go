package matrix

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"dpilab/lab"
	"dpilab/lab/probe"
	"dpilab/scenarios"
)

// proof is a phase without tools: what is expected there must come to pass, or a cell says nothing.
type proof struct {
	column *Column
	done   chan struct{} // closed when the rest is there
	broken string        // which expectation did not hold; "" when all did
}

// prove tries a phase without a tool, in a lab of its own, and once more when something was not as expected: a machine with other work
// is slow for a moment.
func (r *runner) prove(ctx context.Context, p *proof) error {
	c := p.column
	defer r.trying("without a tool", columnName(c.Scenario.Name, c.Phase.Name, c.Phase.Policy()))()
	var proofs []Proof
	for last := false; ; last = true {
		report, err := scenarios.Run(ctx, scenarios.Options{Scenario: c.Scenario, Phases: []string{c.Phase.Name}, Seed: r.Seed})
		if err != nil && (last || ctx.Err() != nil) {
			return err
		}
		if err != nil {
			continue
		}
		if proofs, p.broken = proofsOf(report); p.broken == "" || last {
			break
		}
	}
	r.mu.Lock()
	for i := range r.result.Phases {
		if r.plan.Columns[i] == c {
			r.result.Phases[i].Proofs, r.result.Phases[i].Broken = proofs, p.broken
		}
	}
	r.mu.Unlock()
	close(p.done)
	return nil
}

// proofsOf takes a report of one phase for proofs, and says what did not hold.
func proofsOf(report *scenarios.Report) (all []Proof, broken string) {
	for _, row := range report.Probes {
		cell := row.Cells[0]
		if !cell.Tried {
			continue
		}
		p := Proof{Probe: row.Name, Control: row.Control, Expected: cell.Expected.String(), Outcome: cell.Outcome.String(), Held: cell.AsExpected}
		if cell.Outcome.Kind == probe.Skipped {
			p.Held = true // nothing speaks against it
		}
		if !p.Held && broken == "" {
			broken = fmt.Sprintf("%s was %s without a tool, expected %s", p.Probe, p.Outcome, p.Expected)
		}
		all = append(all, p)
	}
	return all, broken
}

// yardstick is a goal without a tool and without a box.
type yardstick struct {
	scenario *scenarios.Scenario
	goal     *scenarios.Probe
	done     chan struct{} // closed when the rest is there
	rates    []float64
	broken   string // why it cannot be reached at all
}

// expects tells whether a phase expects such an outcome without a tool: a goal at a tool's own server is refused where no tool runs.
func (y *yardstick) expects(o probe.Outcome) bool {
	return slices.ContainsFunc(y.scenario.Phases, func(p scenarios.Phase) bool {
		want, tried := y.goal.Expected(p.Name)
		return tried && want.Hold(o)
	})
}

// yardTries is how often a rate without a box is measured.
const yardTries = 3

// measureDirect tries a goal without a tool and without a box, in a lab of its own.
func (r *runner) measureDirect(ctx context.Context, y *yardstick) (err error) {
	defer r.trying(y.goal.Name, "without a tool and a box")()
	l, services, done, err := r.build(ctx, y.scenario)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	from := probe.From{Host: l.Host(y.scenario.Client), Services: services}
	var last probe.Outcome
	y.rates, y.broken = r.tries(ctx, func() (probe.Outcome, error) {
		last = y.goal.Try(ctx, from)
		return last, nil
	})
	if y.broken != "" && y.expects(last) {
		y.broken = ""
	}
	if y.broken != "" {
		y.broken = fmt.Sprintf("%s cannot be reached even without a tool and a box: %s", y.goal.Name, y.broken)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	close(y.done)
	return nil
}

// build builds the lab of a scenario, with its services.
func (r *runner) build(ctx context.Context, s *scenarios.Scenario) (*lab.Lab, *lab.Services, func() error, error) {
	l, err := lab.Build(ctx, s.Topology, lab.Options{})
	if err != nil {
		return nil, nil, nil, err
	}
	services, err := l.Serve(ctx)
	if err != nil {
		return nil, nil, nil, errors.Join(err, l.Close())
	}
	return l, services, func() error { return errors.Join(services.Close(), l.Close()) }, nil
}

// tries tries something that must work: a transfer several times, anything else once; and once more after a failure. Of all that the run
// tries in this way one runs at a time. broken says why it did not work.
func (r *runner) tries(ctx context.Context, try func() (probe.Outcome, error)) (rates []float64, broken string) {
	for failures := 0; len(rates) < yardTries && ctx.Err() == nil; {
		r.bulk.Lock()
		o, err := try()
		r.bulk.Unlock()
		switch {
		case err != nil:
			broken = err.Error()
		case !reached(o):
			broken = o.String()
		case o.Transfer == nil:
			return nil, ""
		default:
			rates = append(rates, rateOf(o))
			continue
		}
		if failures++; failures > 1 {
			return rates, broken
		}
	}
	return rates, ""
}

// rateOf is the rate of a transfer, and no more than the line carries: what a tool's buffers held already comes faster than that.
func rateOf(o probe.Outcome) float64 {
	if o.Transfer.Line > 0 {
		return min(o.Transfer.Rate, o.Transfer.Line)
	}
	return o.Transfer.Rate
}

// reached tells whether an outcome is one in which the user got what he wanted, at whatever speed.
func reached(o probe.Outcome) bool { return o.Kind == probe.OK || o.Kind == probe.Throttled }

// wait returns when a channel is closed, or with the cause when ctx is done.
func wait(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
