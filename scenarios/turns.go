package scenarios

import (
	"context"
	"slices"
	"sync"
)

// turns lets probes run side by side, and those that measure a rate one after the other once everything else is done: they
// would disturb the rates and losses of others, and others theirs.
type turns struct {
	mu    sync.Mutex
	busy  int // probes that run and do not wait
	queue []chan struct{}
}

// enter counts a probe that starts. All of a batch enter before the first runs.
func (t *turns) enter() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy++
}

// leave is called once for every enter, at the probe's end.
func (t *turns) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next()
}

// next hands the quiet on. The caller holds mu and is busy no longer.
func (t *turns) next() {
	t.busy--
	if t.busy > 0 || len(t.queue) == 0 {
		return
	}
	t.busy++
	close(t.queue[0])
	t.queue = t.queue[1:]
}

// wait returns when no other probe runs, or when ctx is done.
func (t *turns) wait(ctx context.Context) error {
	mine := make(chan struct{})
	t.mu.Lock()
	t.queue = append(t.queue, mine)
	t.next()
	t.mu.Unlock()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.queue, mine); i >= 0 { // nobody has counted it
		t.queue = slices.Delete(t.queue, i, i+1)
		t.busy++
	}
	return ctx.Err()
}
