package matrix

import (
	"context"
	"sync"

	"dpilab/scenarios"
	"dpilab/scenarios/tools"
)

// queue is what is left to do. Proofs and yardsticks come first, because cells are judged by them; then each tool gets a worker, and a
// worker without a tool joins the one with most left.
type queue struct {
	mu   sync.Mutex
	jobs []func(context.Context) error
	rows []*row
}

// row is a tool with its cells.
type row struct {
	tool   *tools.Tool
	number int // in the plan
	slots  []*slot
	asked  sync.Once // for the version

	mu      sync.Mutex
	workers int
	refs    map[refKey]*reference
}

// slot is a cell that is to be tried.
type slot struct {
	column *Column
	number int // of the column in the plan
	goal   *scenarios.Probe
	cell   *Cell
}

// place names what a session belongs to.
func (s *slot) place() string { return s.column.Scenario.Name + "\x00" + s.column.Phase.Server }

// joinFrom is how many cells must be left for each worker of a tool, one more included: a lab and the tool's server cost about as much
// as two tries.
const joinFrom = 2

// next gives a job, or a row to work at, or neither when all that is left has its workers.
func (q *queue) next() (func(context.Context) error, *row) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.jobs) > 0 {
		job := q.jobs[0]
		q.jobs = q.jobs[1:]
		return job, nil
	}
	var best *row
	share := 0.0
	for _, w := range q.rows {
		w.mu.Lock()
		left := float64(len(w.slots)) / float64(w.workers+1)
		enough := w.workers == 0 && len(w.slots) > 0 || left >= joinFrom
		fresh := w.workers == 0
		w.mu.Unlock()
		if !enough {
			continue
		}
		if fresh { // in the order of the plan
			best = w
			break
		}
		if left > share {
			best, share = w, left
		}
	}
	if best != nil {
		best.mu.Lock()
		best.workers++
		best.mu.Unlock()
	}
	return nil, best
}

// take gives the next cell of a row, nil when none is left.
func (w *row) take() *slot {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.slots) == 0 {
		w.workers--
		return nil
	}
	s := w.slots[0]
	w.slots = w.slots[1:]
	return s
}
