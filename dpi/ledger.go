package dpi

import (
	"sync/atomic"
	"time"
)

// The flags of acting count from the top, those of looking from the bottom.
const (
	flagBegun  flags = 1 << 15 // the packet that Do.From waits for has come
	flagHeld   flags = 1 << 14 // hit when it opened, by what an earlier flow left behind
	flagBanned flags = 1 << 13 // frozen, or hit by the ban that a frozen flow left behind: all of Do.Direction is dropped
)

// ledger is what acting on a flow keeps beside it; most flows need none. It comes from the engine's pool, goes back when the
// flow is forgotten, and belongs to one flow.
type ledger struct {
	tally [2]tally      // up and down, from the flow's first packet on; counted only under a policy that freezes
	left  int64         // drop, freeze: what may still pass of Do.After, in its unit
	other int64         // freeze: the same of Do.Or
	full  [2]atomicTime // police: when the flow's buckets, up and down, will be full again
	names [2]uint64     // limit: hashes of the server name and the JA4 that its hello showed; 0: none
	entry *entry        // police, limit: what the flow has in common with others; nil: nothing
	hold  *entry        // what the flow holds, or is held by; nil: nothing
}

// ledger gives the flow's; nil: it has none.
func (e *Engine) ledger(f *flow) *ledger {
	if f.ledger == none {
		return nil
	}
	return e.ledgers.at(f.ledger)
}

// takeLedger gives the flow's ledger, one from the pool where it has none.
func (e *Engine) takeLedger(f *flow) *ledger {
	if f.ledger == none {
		f.ledger = e.ledgers.take()
	}
	return e.ledgers.at(f.ledger)
}

func (e *Engine) putLedger(f *flow) {
	l := e.ledger(f)
	if l == nil {
		return
	}
	for _, x := range [2]*entry{l.entry, l.hold} {
		if x != nil {
			x.users.Add(-1)
		}
	}
	*l = ledger{}
	e.ledgers.put(f.ledger)
	f.ledger = none
}

// atomicTime is a point of the box's clock that several engines move on.
type atomicTime struct{ ns atomic.Int64 }

func (t *atomicTime) load() time.Duration { return time.Duration(t.ns.Load()) }

// extend moves the point forward to until; it never goes back.
func (t *atomicTime) extend(until time.Duration) {
	for {
		old := t.ns.Load()
		if old >= int64(until) || t.ns.CompareAndSwap(old, int64(until)) {
			return
		}
	}
}
