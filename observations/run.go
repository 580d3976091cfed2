package observations

import (
	"context"
	"fmt"

	"dpilab/dpi/trace"
)

// Watch is told of each trace, before it runs and, with its result, after.
type Watch func(name string, after *trace.Result)

// Run runs the rows' traces at virtual time and notes the outcomes in rows. An error is of a path, or of ctx.
func Run(ctx context.Context, rows []Row, watch Watch) error {
	return run(rows, watch, func(r *Row) *Outcome { return &r.Virtual }, func(t *trace.Trace) (*trace.Result, error) {
		return trace.Run(ctx, t, trace.NewVirtual)
	})
}

// RunLive does the same live: over paths that open gives, and where the waits are long over paths that forward gives, which set the boxes'
// clocks forward.
func RunLive(ctx context.Context, rows []Row, open, forward trace.Open, watch Watch) error {
	return run(rows, watch, func(r *Row) *Outcome { return &r.Live }, func(t *trace.Trace) (*trace.Result, error) {
		if ok, _ := t.Live(); ok {
			return trace.Run(ctx, t, open)
		}
		if ok, _ := t.LiveWithoutWaits(); ok {
			return trace.Run(ctx, t, forward)
		}
		return nil, nil
	})
}

// run runs each trace once, and notes for each row how its traces fared; one gives nil for a trace that cannot be run this way.
func run(rows []Row, watch Watch, place func(*Row) *Outcome, one func(*trace.Trace) (*trace.Result, error)) error {
	done := map[*trace.Trace]Outcome{}
	for i := range rows {
		for _, t := range rows[i].traces {
			outcome, known := done[t]
			if !known {
				watch(t.Name, nil)
				result, err := one(t)
				if err != nil {
					return fmt.Errorf("%s: %w", t.Name, err)
				}
				outcome = outcomeOf(result)
				done[t] = outcome
				if result != nil {
					watch(t.Name, result)
				}
			}
			if at := place(&rows[i]); outcome != OutcomeNone && *at != OutcomeFailed {
				*at = outcome
			}
		}
	}
	return nil
}

func outcomeOf(r *trace.Result) Outcome {
	switch {
	case r == nil:
		return OutcomeNone
	case r.OK():
		return OutcomeOK
	}
	return OutcomeFailed
}

// Count is how many of the rows with one confidence are reproduced.
type Count struct {
	Confidence string `json:"confidence"`
	Rows       int    `json:"rows"`
	Shown      int    `json:"shown"`   // by a trace that ran as expected, or by a scenario or test
	Virtual    int    `json:"virtual"` // that ran as expected
	Live       int    `json:"live"`    // that run live, in real time: as expected if they were run, and those that can
	Forward    int    `json:"forward"` // that run live with the boxes' clocks set forward
}

// Counts sums the rows up by confidence, in the order P, P2, C, D, A, MEM.
func Counts(rows []Row) []Count {
	var all []Count
	for _, confidence := range []string{"P", "P2", "C", "D", "A", "MEM"} {
		c := Count{Confidence: confidence}
		for i := range rows {
			r := &rows[i]
			if r.Confidence != confidence {
				continue
			}
			c.Rows++
			if r.Virtual == OutcomeOK || r.Proof != "" {
				c.Shown++
			}
			if r.Virtual == OutcomeOK {
				c.Virtual++
			}
			switch runs := r.Live == OutcomeOK || r.Live == OutcomeNotRun; {
			case runs && r.Forward:
				c.Forward++
			case runs:
				c.Live++
			}
		}
		all = append(all, c)
	}
	return all
}
