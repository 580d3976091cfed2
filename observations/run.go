package observations

import (
	"context"
	"fmt"

	"dpilab/dpi/trace"
)

// Run runs the rows' traces over the paths that open gives, virtual or live ones, and notes the outcomes in rows. Failed traces are
// given to failed, if it is not nil. An error is of a path, or of ctx.
func Run(ctx context.Context, rows []Row, open trace.Open, live bool, failed func(*trace.Result)) error {
	done := map[string]bool{}
	for i := range rows {
		r := &rows[i]
		outcome := OutcomeNone
		for _, name := range r.Traces {
			ok, known := done[name]
			if !known {
				t, err := trace.Find(name)
				if err != nil {
					return err
				}
				if can, _ := t.Live(); live && !can {
					continue
				}
				if err := ctx.Err(); err != nil {
					return err
				}
				result, err := trace.Run(t, open)
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				ok = result.OK()
				done[name] = ok
				if !ok && failed != nil {
					failed(result)
				}
			}
			if !ok {
				outcome = OutcomeFailed
			} else if outcome == OutcomeNone {
				outcome = OutcomeOK
			}
		}
		if outcome == OutcomeNone {
			continue
		}
		if live {
			r.Live = outcome
		} else {
			r.Virtual = outcome
		}
	}
	return nil
}

// Count is how many of the rows with one confidence are reproduced.
type Count struct {
	Confidence string `json:"confidence"`
	Rows       int    `json:"rows"`
	Shown      int    `json:"shown"`   // by a trace that ran as expected, or by a scenario or test
	Virtual    int    `json:"virtual"` // that ran as expected
	Live       int    `json:"live"`    // that run live: as expected if they were run, and those that can
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
			if r.Live == OutcomeOK || r.Live == OutcomeNotRun {
				c.Live++
			}
		}
		all = append(all, c)
	}
	return all
}
