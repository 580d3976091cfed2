package lab

import (
	"time"

	"dpilab/dpi/trace"
)

const (
	// longestStep is how far the clocks are set forward before the boxes see it, where that takes 512 steps or fewer.
	longestStep = 100 * time.Millisecond
	// flushAfter is how far the clocks may run ahead of the kernel's, by which it keeps flows.
	flushAfter = 500 * time.Millisecond
)

// now is the boxes' clock, but for when they were started.
func (p *Path) now() time.Duration { return time.Since(p.start) + p.skipped }

// pause lets d pass after due, by waiting or by setting the boxes' clocks forward, and says when that is over.
func (p *Path) pause(due, d time.Duration) (time.Duration, error) {
	due += d
	left := due - p.now()
	if !p.options.Skip {
		select {
		case <-time.After(left):
		case <-p.done:
		}
		return due, nil
	}
	return due, p.skip(left)
}

// skip sets the clocks forward in steps, and lets the boxes see each, so that what is due in between happens there.
func (p *Path) skip(d time.Duration) error {
	for step := max(d/512, longestStep); d > 0; d -= step {
		by := min(step, d)
		for _, b := range p.boxes {
			b.box.forward(by)
		}
		p.skipped += by
		if by < longestStep {
			break // the next packet shows it
		}
		if err := p.mark(trace.Client); err != nil {
			return err
		}
	}
	if p.skipped-p.flushed < flushAfter {
		return nil
	}
	p.flushed = p.skipped
	for _, b := range p.boxes {
		if err := b.box.Skip(0); err != nil {
			return err
		}
	}
	return nil
}
