package dpi

import "time"

// slots of a second each: longer than the common timeouts, so that most flows are met once or twice.
const slots = 1024

// wheel finds flows whose time is over. A flow stands in the slot of the second that it was to expire in when it was last
// put there; what happened to it since is looked at when the slot comes round, so a packet need not touch the wheel.
// Who came first leaves first, from a slot as from the flows that are not open: flows that begin one after the other then lie one behind the
// other in memory for good, and the CPU fetches the next one before it is asked for. From stacks, each turn of the wheel shuffles them.
type wheel struct {
	head   [slots]uint32
	tail   [slots]uint32 // of those that have a head
	cursor int64         // second whose slot is being emptied
}

func second(d time.Duration) int64 { return int64(d / time.Second) }

// put puts flow i, which is f, in the slot of a second, but neither into a slot that was passed already, nor into the one being emptied.
func (t *table) put(i uint32, f *flow, at int64) {
	w := &t.wheel
	s := min(max(at, w.cursor+1), w.cursor+slots-1) % slots
	f.slot = none
	if w.head[s] == none {
		w.head[s] = i
	} else {
		t.at(w.tail[s]).slot = i
	}
	w.tail[s] = i
}

// turns tells whether there may be flows whose time is over.
func (w *wheel) turns(now time.Duration) bool { return now >= time.Duration(w.cursor+1)*time.Second }

// expire closes flows whose time is over at now, calling gone for each, and does at most budget steps, so that no packet
// waits for a crowd.
func (t *table) expire(now time.Duration, budget int, gone func(*flow)) {
	w := &t.wheel
	target := second(now)
	// A jump of more than a turn meets every slot once and no more.
	w.cursor = max(w.cursor, target-slots)
	for w.cursor < target && budget > 0 {
		s := w.cursor % slots
		for i := w.head[s]; i != none && budget > 0; i = w.head[s] {
			budget--
			f := t.at(i)
			w.head[s] = f.slot
			if f.expires > now {
				t.put(i, f, second(f.expires))
				continue
			}
			gone(f)
			t.close(i)
		}
		if w.head[s] == none {
			w.cursor++
			budget--
		}
	}
}
