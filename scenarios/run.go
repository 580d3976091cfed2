package scenarios

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"dpilab/dpi"
	"dpilab/internal/strictyaml"
	"dpilab/lab"
	"dpilab/lab/probe"
)

// Options say how a scenario is run. Only Scenario is required.
type Options struct {
	Scenario *Scenario
	Phases   []string       // which; none: all
	Seed     uint64         // of every chance that a box takes
	Progress func(Progress) // called from many goroutines, one at a time; it must not wait
	Events   io.Writer      // gets what the boxes do, a line of JSON each; see Event
	Pcap     string         // folder for a capture, a file for every link

	// Keep is called at the end of a phase in which something was not as expected, while its boxes still run. The run
	// goes on when it returns; its error ends the run.
	Keep func(context.Context, Kept) error
}

// Progress is how far a run is.
type Progress struct {
	Phase        string
	Number, Of   int    // of the phase, from 1
	Done, Probes int    // of the phase
	Last         string // the probe that was done last, "" at the start of the phase
}

// Kept is a phase that has ended and still stands.
type Kept struct {
	Phase    string
	Client   string // the host that tries
	Lab      *lab.Lab
	Services *lab.Services
	Boxes    []*lab.Box
	Report   *Report // of the phases so far
}

// Run builds the lab of a scenario and walks through its phases, each with fresh boxes on the wires. That something is not as
// expected is in the report and no error. When ctx ends, so does the run, with the cause as its error; nothing of the lab is
// left either way. A phase that is asked for and that the scenario does not have is an *Error. The process must have been
// through lab.Enter.
func Run(ctx context.Context, o Options) (report *Report, err error) {
	phases, err := o.phases()
	if err != nil {
		return nil, err
	}
	l, err := lab.Build(ctx, o.Scenario.Topology, lab.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	services, err := l.Serve(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, services.Close()) }()
	if o.Pcap != "" {
		if _, err := l.Capture(o.Pcap); err != nil { // the lab's end is its end
			return nil, err
		}
	}
	r := &runner{Options: o, lab: l, services: services, log: newEventLog(o.Events)}
	defer func() { err = errors.Join(err, r.log.close()) }()
	report = newReport(o.Scenario, phases, o.Seed)
	for i, p := range phases {
		if err := r.phase(ctx, report, i, p); err != nil {
			return nil, fmt.Errorf("phase %s: %w", p.Name, err)
		}
	}
	return report, nil
}

// phases gives those that are asked for, in the order of the scenario.
func (o *Options) phases() ([]Phase, error) {
	if o.Scenario == nil {
		return nil, errors.New("a run needs a scenario")
	}
	all := o.Scenario.Phases
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.Name
	}
	for _, name := range o.Phases {
		if !slices.Contains(names, name) {
			return nil, &Error{File: o.Scenario.File, Text: fmt.Sprintf("found no phase %q, expected %s%s", name, strictyaml.OrList(names), strictyaml.Suggest(name, names))}
		}
	}
	if len(o.Phases) == 0 {
		return all, nil
	}
	var some []Phase
	for _, p := range all {
		if slices.Contains(o.Phases, p.Name) {
			some = append(some, p)
		}
	}
	return some, nil
}

// runner is a run under way.
type runner struct {
	Options
	lab      *lab.Lab
	services *lab.Services
	log      *eventLog
}

// phase runs one phase and fills in its column of the report.
func (r *runner) phase(ctx context.Context, report *Report, column int, p Phase) (err error) {
	start := time.Now()
	r.services.Restore()
	r.services.Remove(p.Remove...)
	rec := &recorder{phase: p.Name, log: r.log}
	var boxes []*lab.Box
	for _, b := range p.Policies {
		box, err := r.lab.StartBox(b.Box, lab.BoxOptions{Policy: b.Compiled, Seed: r.Seed, OnEvent: func(e *dpi.Event) { rec.see(b.Box, *e) }})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, box.Close()) }()
		boxes = append(boxes, box)
	}

	attempts := r.attempts(p.Name)
	rec.know(attempts)
	outcomes, err := r.tryAll(ctx, boxes, attempts, r.progress(p.Name, column+1, len(report.Phases)))
	if err != nil {
		return err
	}
	for i, a := range attempts {
		if a != nil {
			report.Probes[i].Cells[column] = rec.cell(a, p, outcomes[i])
		}
	}
	report.Phases[column].Took = time.Since(start)
	for i, box := range boxes {
		c, err := box.Counters()
		if err != nil {
			return err
		}
		report.Phases[column].Boxes = append(report.Phases[column].Boxes, BoxReport{p.Policies[i].Box, c})
	}
	report.Took = time.Since(report.Started)
	if r.Keep == nil || report.phaseAsExpected(column) {
		return nil
	}
	return r.Keep(ctx, Kept{Phase: p.Name, Client: r.Scenario.Client, Lab: r.lab, Services: r.services, Boxes: boxes, Report: report})
}

// attempts gives an attempt for every probe that the phase has, and nil for the others.
func (r *runner) attempts(phase string) []*attempt {
	all := make([]*attempt, len(r.Scenario.Probes))
	for i := range r.Scenario.Probes {
		p := &r.Scenario.Probes[i]
		if want, ok := p.Expected(phase); ok {
			all[i] = newAttempt(p, want, r.lab.Host(r.Scenario.Client))
		}
	}
	return all
}

// tryAll runs the attempts: those that come at once, side by side, and then those that come later, each time with the boxes'
// clocks set forward.
func (r *runner) tryAll(ctx context.Context, boxes []*lab.Box, attempts []*attempt, done func(*attempt)) ([]probe.Outcome, error) {
	byTime := map[time.Duration][]int{}
	var times []time.Duration
	for i, a := range attempts {
		if a == nil {
			continue
		}
		if byTime[a.Later] == nil {
			times = append(times, a.Later)
		}
		byTime[a.Later] = append(byTime[a.Later], i)
	}
	slices.Sort(times)
	outcomes := make([]probe.Outcome, len(attempts))
	var passed time.Duration
	for _, at := range times {
		if at > passed {
			for _, box := range boxes {
				if err := box.Skip(at - passed); err != nil {
					return nil, err
				}
			}
			passed = at
		}
		var wg sync.WaitGroup
		queue := &turns{}
		for _, i := range byTime[at] {
			attempts[i].turns = queue
			queue.enter()
		}
		for _, i := range byTime[at] {
			wg.Go(func() {
				outcomes[i] = attempts[i].try(ctx)
				queue.leave()
				done(attempts[i])
			})
		}
		wg.Wait()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
	return outcomes, nil
}

// progress gives the function that counts a phase's probes.
func (r *runner) progress(phase string, number, of int) func(*attempt) {
	if r.Progress == nil {
		return func(*attempt) {}
	}
	p := Progress{Phase: phase, Number: number, Of: of}
	for i := range r.Scenario.Probes {
		if _, ok := r.Scenario.Probes[i].Expected(phase); ok {
			p.Probes++
		}
	}
	r.Progress(p)
	var mu sync.Mutex
	return func(a *attempt) {
		mu.Lock()
		defer mu.Unlock()
		p.Done++
		p.Last = a.Name
		r.Progress(p)
	}
}
