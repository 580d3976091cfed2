package scenarios

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// Transfers wait until everything else is done, and then run one at a time.
func TestTurns(t *testing.T) {
	q := &turns{}
	var others, transfers atomic.Int32
	var wg sync.WaitGroup
	for range 20 {
		q.enter()
	}
	for i := range 20 {
		wg.Go(func() {
			defer q.leave()
			if i%2 == 0 {
				others.Add(1)
				return
			}
			for range 3 { // a transfer may take several turns
				if err := q.wait(t.Context()); err != nil {
					t.Error(err)
				}
				if n := transfers.Add(1); n != 1 || others.Load() != 10 {
					t.Errorf("%d transfers at once, %d others done", n, others.Load())
				}
				transfers.Add(-1)
			}
		})
	}
	wg.Wait()
}

// Who stops waiting passes nothing on and holds nobody up.
func TestTurnsEndWithTheContext(t *testing.T) {
	q := &turns{}
	q.enter() // runs
	q.enter() // stops waiting
	q.enter() // waits
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		defer q.leave()
		if q.wait(ctx) == nil {
			t.Error("its turn came before the others were done")
		}
	})
	cancel()
	wg.Wait()
	wg.Go(func() {
		defer q.leave()
		if err := q.wait(t.Context()); err != nil {
			t.Error(err)
		}
	})
	q.leave()
	wg.Wait()
	require.Zero(t, q.busy)
}
