package scenarios

import (
	"time"

	"dpilab/dpi/nfq"
	"dpilab/lab/probe"
)

// Report is what came of a run: a row for every probe, with a cell for every phase.
type Report struct {
	Scenario string
	About    string
	Lab      string
	Seed     uint64
	Started  time.Time
	Took     time.Duration
	Phases   []PhaseReport
	Probes   []ProbeReport // in the order of the scenario, controls last
}

// PhaseReport is a column of the report.
type PhaseReport struct {
	Name    string
	Date    string
	Policy  string
	Removed []string    // from the national resolver
	Boxes   []BoxReport // in the order of the lab
	Took    time.Duration
}

// BoxReport is what became of the packets that crossed a box.
type BoxReport struct {
	Box string
	nfq.Counters
}

// ProbeReport is a row of the report.
type ProbeReport struct {
	Name    string
	Type    probe.Type
	Target  string
	Control bool
	Cells   []Cell // one a phase
}

// Cell is what came of a probe in a phase.
type Cell struct {
	Tried      bool // false: the scenario does not try this probe in this phase, and nothing else here means anything
	Outcome    probe.Outcome
	Expected   Expectations
	AsExpected bool
	Why        *Why // what blocked it; nil when nothing did, or when nobody knows
}

// Summary counts the cells of a report.
type Summary struct {
	Tried      int // those with an outcome; Skipped are not among them
	AsExpected int
	Skipped    int
}

func newReport(s *Scenario, phases []Phase, seed uint64) *Report {
	r := &Report{Scenario: s.Name, About: s.About, Lab: s.Topology.Name, Seed: seed, Started: time.Now()}
	for _, p := range phases {
		r.Phases = append(r.Phases, PhaseReport{Name: p.Name, Date: p.Date, Policy: p.Policy(), Removed: p.Remove})
	}
	for i := range s.Probes {
		p := &s.Probes[i]
		r.Probes = append(r.Probes, ProbeReport{
			Name: p.Name, Type: p.Type, Target: p.Target(), Control: p.Control, Cells: make([]Cell, len(phases)),
		})
	}
	return r
}

// skipped tells whether a probe could not be tried, which nobody had expected.
func (c Cell) skipped() bool { return c.Tried && c.Outcome.Kind == probe.Skipped && !c.AsExpected }

// wrong tells whether a probe came to something else than expected.
func (c Cell) wrong() bool { return c.Tried && !c.AsExpected && !c.skipped() }

// Summary counts.
func (r *Report) Summary() Summary {
	var s Summary
	for _, p := range r.Probes {
		for _, c := range p.Cells {
			switch {
			case c.skipped():
				s.Skipped++
			case c.Tried:
				s.Tried++
				if c.AsExpected {
					s.AsExpected++
				}
			}
		}
	}
	return s
}

// OK tells whether everything that was tried came out as expected.
func (r *Report) OK() bool {
	s := r.Summary()
	return s.Tried > 0 && s.Tried == s.AsExpected
}

func (r *Report) phaseAsExpected(column int) bool {
	for _, p := range r.Probes {
		if p.Cells[column].wrong() {
			return false
		}
	}
	return true
}
