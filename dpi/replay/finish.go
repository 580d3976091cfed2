package replay

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// gone counts a flow that is no longer listed.
func (x *run) gone(f *flow) {
	x.report.Totals.Forgotten++
	x.sum(f)
}

// sum enters a flow into the sums.
func (x *run) sum(f *flow) {
	if len(f.Verdicts) > 0 {
		x.report.Totals.Hit++
		return
	}
	x.report.Untouched[f.Protocol]++
}

// finish makes the report.
func (x *run) finish(err error) *Report {
	r := x.report
	r.Seconds = x.clock.Seconds()
	all := x.flows.ended
	for _, f := range x.flows.byTuple {
		f.release()
		all = append(all, f)
	}
	for _, f := range all {
		x.sum(f)
		r.Flows = append(r.Flows, &f.Flow)
	}
	slices.SortFunc(r.Flows, func(a, b *Flow) int { return cmp.Compare(a.Number, b.Number) })
	r.Totals.Flows = x.flows.made
	r.Totals.Twice = x.twice.found
	r.Notes = append(r.Notes, x.notes()...)
	var broken *BrokenError
	if errors.As(err, &broken) {
		r.Broken = broken.Error()
	}
	return r
}

// notes says what to know about the capture.
func (x *run) notes() (notes []string) {
	t := &x.report.Totals
	add := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if x.o.Checksums == ChecksumsAuto {
		for i, way := range [2]string{"up", "down"} {
			switch x.repairs[i] {
			case repairUnfinished:
				add("most packets %s have unfinished checksums, as on a machine whose network card finishes them: the box saw these finished (--checksums=as-is leaves them)", way)
			case repairAll:
				add("most packets %s have wrong checksums, as on a machine whose network card makes them: the box saw right ones (--checksums=as-is leaves them)", way)
			}
		}
	}
	if t.Twice > 0 {
		add("%s there twice, from several interfaces, and the box counted each: choose one of them (--interface, or capture at one)", packets(t.Twice))
	}
	if t.Large > 0 {
		add("%s larger than 1,500 bytes: a network card was to cut them, or the link takes such; mechanisms that count packets count fewer than on a wire", packets(t.Large))
	}
	if t.Cut > 0 {
		add("%s cut by the capture (snaplen): the box got zeros for the rest, and names in it are not read", packets(t.Cut))
	}
	if t.Earlier > 0 {
		add("%s stamped earlier than one before: the box's clock stood still for them", packets(t.Earlier))
	}
	if t.Unknown > 0 {
		add("%s of interfaces with a link type that is not understood: passed", packets(t.Unknown))
	}
	if t.Broken > 0 {
		add("%s with IP headers that cannot be: the box got them as they are", packets(t.Broken))
	}
	if t.Held > 0 {
		add("%s still held by the box %s after the end: not in what comes out", packets(t.Held), short(heldLong))
	}
	if t.Forgotten > 0 {
		add("%d flows are not listed: no more than %d are remembered at a time (--flows), and one that comes back counts as another", t.Forgotten, x.o.Flows)
	}
	return notes
}

func packets(n uint64) string {
	if n == 1 {
		return "1 packet is"
	}
	return fmt.Sprintf("%d packets are", n)
}

// short gives a time in few letters.
func short(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%.3g ms", float64(d)/float64(time.Millisecond))
	case d < 2*time.Minute:
		return fmt.Sprintf("%.3g s", d.Seconds())
	}
	return d.Round(time.Second).String()
}
