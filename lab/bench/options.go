package bench

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// usualDuration is long enough for some thousand connections (choice).
const usualDuration = 600 * time.Millisecond

// Options say what is measured, and for how long. The zero value measures everything but the floods.
type Options struct {
	Names    []string      // benchmarks, by their names; none: all but flood
	Rounds   int           // 0: 5
	Duration time.Duration // of a path in a round; 0: 600 ms
	Domains  int           // in the large policy; 0: a million
	OpenGFW  string        // the program opengfw-box; "auto" or "": looked for; "off": left out
	Profiles string        // a folder for a processor profile of each of dpilab's boxes, of its last round; "": none

	// Progress is told what is at hand, on the goroutine of Run; nil: nobody is.
	Progress func(Progress)
}

// Progress is how far a run is.
type Progress struct {
	Bench     string // that runs
	Number    int    // of it, from 1
	Of        int
	Round     int // from 1
	Rounds    int
	Path      string
	Remaining int // paths of this benchmark still to come
}

func (o *Options) defaults() error {
	if o.Rounds == 0 {
		o.Rounds = 5
	}
	if o.Duration == 0 {
		o.Duration = usualDuration
	}
	if o.Domains == 0 {
		o.Domains = 1_000_000
	}
	if len(o.Names) == 0 {
		o.Names = Usual()
	}
	switch {
	case o.Rounds < 1 || o.Rounds > 1000:
		return fmt.Errorf("rounds: found %d, expected 1 to 1000", o.Rounds)
	case o.Duration < time.Millisecond || o.Duration > 10*time.Minute:
		return fmt.Errorf("duration: found %v, expected 1ms to 10m", o.Duration)
	case o.Domains < 20 || o.Domains > 50_000_000:
		return fmt.Errorf("domains: found %d, expected 20 to 50,000,000", o.Domains)
	}
	for _, n := range o.Names {
		if !slices.Contains(Names(), n) {
			return fmt.Errorf("no benchmark is called %q; there are %s", n, strings.Join(Names(), ", "))
		}
	}
	return nil
}

// NeedsOpenGFW tells whether one of the benchmarks compares with OpenGFW.
func (o Options) NeedsOpenGFW() bool {
	return slices.ContainsFunc(benchmarks, func(b benchmark) bool { return b.beside && (len(o.Names) == 0 || slices.Contains(o.Names, b.name)) })
}

// benchmark is one that has a name.
type benchmark struct {
	name   string
	run    func(*runner) error
	beside bool // it compares with OpenGFW
}

// benchmarks are all of them, in the order in which they run.
var benchmarks = []benchmark{
	{"wire", (*runner).wire, false},
	{"connections", (*runner).connections, true},
	{"bulk", (*runner).bulk, true},
	{"queued", (*runner).queued, true},
	{"latency", (*runner).latency, true},
	{"engine", (*runner).engine, false},
	{"lookup", (*runner).lookup, false},
	{"load", (*runner).load, false},
	{"flows", (*runner).flows, false},
	{"police", (*runner).police, false},
	{"reload", (*runner).reload, false},
	{"flood", (*runner).flood, false},
}

// Names gives the names of the benchmarks, in the order in which they run.
func Names() []string {
	all := make([]string, len(benchmarks))
	for i, b := range benchmarks {
		all[i] = b.name
	}
	return all
}

// Usual gives the names of those that run when none is asked for: all but flood.
func Usual() []string {
	return slices.DeleteFunc(Names(), func(n string) bool { return n == "flood" })
}

// Check tells what is wrong with options, without running anything.
func (o Options) Check() error { return o.defaults() }
