package bench

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"dpilab/dpi/nfq"
	"dpilab/lab"
	"dpilab/rules"
)

const (
	floodRate  = 200_000   // packets a second that are wanted; a machine may make fewer
	floodFlows = 1_000_000 // that the box remembers at most
	fewFlows   = 50_000    // where the flood is to fill its table
)

// floodPolicy blocks names as the others do, in a box that holds fragments and reads them.
const floodPolicy = `policy: %s
date: 2026-01-01
about: names of a list are blocked, and fragments are held

lists:
  names: %s

profile:
  reassembly: {tcp: true}
  inspect: {hellos: first}
  fragments: {hold: true, inspect: true}
  flows: %d
  full: %s

rules:
  - rule: names
    when: {sni: names}
    do: {drop: both}
    source: {ref: choice}
`

// flooding gives the policy of a box that is flooded, which remembers so many flows, and what it does with more.
func (p *policies) flooding(count, flows int, full string) (*rules.Compiled, error) {
	if _, err := p.file(count); err != nil {
		return nil, err
	}
	name := "flood-" + sizeName(flows) + "-" + full
	return p.get(name, func() (string, error) {
		file := filepath.Join(p.folder, name+".yaml")
		return file, os.WriteFile(file, fmt.Appendf(nil, floodPolicy, name, policyName(count)+".domains", flows, full), 0o644)
	})
}

// flood sends at a box what is meant to bring it down, one kind after the other, and looks at others' flows meanwhile: whether names that
// are blocked stay so, whether others get through, what memory the box takes, and what it gets done. Each box is a new one.
func (r *runner) flood() error {
	var paths []path
	for _, kind := range floodKinds {
		flows, full := floodFlows, "fails"
		switch kind {
		case "full":
			flows = fewFlows
		case "evicts":
			flows, full = fewFlows, kind
		}
		policy := func(p *policies) (*rules.Compiled, error) { return p.flooding(r.o.Domains, flows, full) }
		paths = append(paths, boxPath("flood_"+kind, policy, lab.BoxOptions{}))
	}
	return r.rounds(1, paths, func(p path, b running, _ int) error {
		return r.floodWith(strings.TrimPrefix(p.name, "flood_"), b.(box).Box)
	})
}

// probed is what came of the probes during a flood.
type probed struct{ tries, blocked, open, held int }

func (r *runner) floodWith(kind string, b *lab.Box) error {
	inList, outside := nameAt(3), nameAt(r.o.Domains+3)
	x, err := r.prober.ask(r.ctx, job{Kind: "hold", To: serverAddr, Names: []string{outside, inList}})
	if err != nil {
		return err
	}
	if !x.Open[0] || x.Open[1] {
		return fmt.Errorf("before it, the name that is blocked is open: %v, and the other: %v", x.Open[1], x.Open[0])
	}
	debug.FreeOSMemory() // what is left of earlier boxes
	watch, err := watchMemory()
	if err != nil {
		return err
	}
	defer watch.end()
	before, err := b.Counters()
	if err != nil {
		return err
	}
	type sent struct {
		x     answer
		after nfq.Counters
		took  time.Duration
		err   error
	}
	done := make(chan sent, 1)
	start := time.Now()
	go func() {
		x, err := r.client.ask(r.ctx, job{Kind: "flood", To: serverAddr, Names: []string{kind}, Rate: floodRate, For: 5 * r.o.Duration})
		took := time.Since(start)
		after, err2 := b.Counters()
		done <- sent{x, after, took, errors.Join(err, err2)}
	}()
	var p probed
	for {
		select {
		case s := <-done:
			if s.err != nil {
				return s.err
			}
			r.noteFlood(kind, s.x, p, before, s.after, s.took, watch)
			return r.recovered(kind, inList, outside)
		default:
			// Even after an error the flood is waited for: its agent does one job at a time.
			if err := r.probe(&p, inList, outside); err != nil {
				return errors.Join(err, (<-done).err)
			}
		}
	}
}

// probe tries a name that is blocked and one that is not, and the flows that were there before the flood.
func (r *runner) probe(p *probed, inList, outside string) error {
	x, err := r.prober.ask(r.ctx, job{Kind: "try", To: serverAddr, Names: []string{inList, outside}})
	if err != nil {
		return err
	}
	held, err := r.prober.ask(r.ctx, job{Kind: "held"})
	if err != nil {
		return err
	}
	p.tries++
	if !x.Open[0] {
		p.blocked++
	}
	if x.Open[1] {
		p.open++
	}
	if held.Open[0] && !held.Open[1] {
		p.held++
	}
	return nil
}

func (r *runner) noteFlood(kind string, sent answer, p probed, before, after nfq.Counters, took time.Duration, watch *watch) {
	row := "flood_" + kind + "_"
	set := func(name, unit string, v float64) { r.samples.set(row+name, unit, 0, v) }
	set("offered", "packets/s", float64(sent.Done)/sent.Took.Seconds())
	set("handled", "packets/s", float64(after.Received-before.Received)/took.Seconds())
	set("overflowed", "packets", float64(after.Overflowed-before.Overflowed))
	set("memory_before", "MB resident", watch.first)
	set("memory_max", "MB resident", watch.end())
	share := func(n int) float64 { return 100 * float64(n) / float64(p.tries) }
	set("blocked_stays", "% of probes", share(p.blocked))
	set("open_stays", "% of probes", share(p.open))
	set("old_flows_stay", "% of probes", share(p.held))
	r.ratio(row+"blocked_stays_percent", share(p.blocked), true)
	r.ratio(row+"open_stays_percent", share(p.open), true)
	r.ratio(row+"memory_mb", watch.end()-watch.first, true)
}

// recovered wants that the box is up after a flood, and notes the memory that it keeps.
func (r *runner) recovered(kind, inList, outside string) error {
	rest := 2 * r.o.Duration
	select {
	case <-time.After(rest):
	case <-r.ctx.Done():
	}
	x, err := r.prober.ask(r.ctx, job{Kind: "try", To: serverAddr, Names: []string{inList, outside}})
	if err != nil {
		return err
	}
	// A full table may let what is new pass, until its flows are forgotten: that is no box that is down.
	if !x.Open[1] {
		return fmt.Errorf("%v after it nothing gets through: %s", rest, x.Why[1])
	}
	now, err := memory("VmRSS")
	r.samples.set("flood_"+kind+"_memory_after", "MB resident", 0, now)
	return err
}

// watch follows the memory of this process, which is the box's.
type watch struct {
	first, most float64
	stop, done  chan struct{}
	ended       bool
}

func watchMemory() (*watch, error) {
	first, err := memory("VmRSS")
	w := &watch{first: first, most: first, stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		for {
			select {
			case <-w.stop:
				return
			case <-time.After(50 * time.Millisecond):
				if now, err := memory("VmRSS"); err == nil {
					w.most = max(w.most, now)
				}
			}
		}
	}()
	return w, err
}

// end gives the most that it was.
func (w *watch) end() float64 {
	if !w.ended {
		w.ended = true
		close(w.stop)
		<-w.done
	}
	return w.most
}
