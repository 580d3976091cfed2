package matrix

import (
	"fmt"
	"strings"
)

// Story is what happened to one flow, packet by packet, and what the box made of each.
type Story struct {
	Cell  *Cell
	Phase *Phase
	Try   int // of the cell, from 1
	Run   *Run
	Flow  *Flow
	Which int      // of the try's flows, from 1
	Rerun string   // the folder whose captures the boxes were run over again; "": the steps are those that the result has
	Notes []string // what to know about how this is told
	Steps []Step
}

// Step is a packet at the box.
type Step struct {
	Packet
	Box      string   // of several: the one that did it
	Read     []string // what the box learnt from it
	Believed []string // what the box makes of it
	Decided  []string // which rule, what it does, and where that is known from
}

// ExplainOptions say what to tell of a cell. The zero value is the try and the flow that matter most.
type ExplainOptions struct {
	Try  int // from 1; 0: the first that was not ok, or the first
	Flow int // from 1; 0: the first that a rule hit, or that lost packets, or the one with the most bytes
	// Folder is what captures are named relative to, "" when there are none. Scenario is a name or a file, where the result's own does not say
	// enough to find it.
	Folder, Scenario string
}

// Explain tells the story of a flow of a cell (see Cell for its name). Where the try kept its captures, the boxes run again over them, with
// the policy that ships under its name today; otherwise the story is what the result has, and says so.
func (r *Result) Explain(cell string, o ExplainOptions) (*Story, error) {
	c, err := r.Cell(cell)
	if err != nil {
		return nil, err
	}
	if len(c.Runs) == 0 {
		return nil, fmt.Errorf("%s was not tried: %s", c, orNothing(c.Why))
	}
	s := &Story{Cell: c, Phase: r.phase(c)}
	if err := s.choose(o); err != nil {
		return nil, err
	}
	if err := s.rerun(o); err != nil {
		s.Notes = append(s.Notes, err.Error())
		s.told()
	}
	return s, nil
}

func (r *Result) phase(c *Cell) *Phase {
	for i := range r.Phases {
		if p := &r.Phases[i]; p.Scenario == c.Scenario && p.Name == c.Phase {
			return p
		}
	}
	return nil
}

// choose finds the try and the flow.
func (s *Story) choose(o ExplainOptions) error {
	runs := s.Cell.Runs
	if o.Try < 0 || o.Try > len(runs) {
		return fmt.Errorf("%s has tries 1 to %d, and no try %d", s.Cell, len(runs), o.Try)
	}
	if s.Try = o.Try; s.Try == 0 {
		s.Try = 1
		for i := len(runs) - 1; i >= 0; i-- {
			if runs[i].Kind != "ok" {
				s.Try = i + 1
			}
		}
	}
	s.Run = &runs[s.Try-1]
	flows := s.Run.Flows
	if len(flows) == 0 {
		return fmt.Errorf("%s, try %d: nothing crossed the box", s.Cell, s.Try)
	}
	if o.Flow < 0 || o.Flow > len(flows) {
		return fmt.Errorf("%s, try %d has flows 1 to %d, and no flow %d", s.Cell, s.Try, len(flows), o.Flow)
	}
	if s.Which = o.Flow; s.Which == 0 {
		s.Which = s.mattersMost() + 1
	}
	s.Flow = &flows[s.Which-1]
	return nil
}

func (s *Story) mattersMost() int {
	flows, best := s.Run.Flows, 0
	weight := func(f *Flow) (n int64) {
		n = f.UpBytes + f.DownBytes
		if f.Dropped > 0 {
			n += 1 << 50
		}
		for _, h := range s.Run.Hits {
			if h.Flow == f.name() {
				n += 1 << 52
			}
		}
		return n
	}
	for i := range flows {
		if weight(&flows[i]) > weight(&flows[best]) {
			best = i
		}
	}
	return best
}

// name is how a Hit names the flow.
func (f *Flow) name() string { return fmt.Sprintf("%s %s → %s", f.Transport, f.Client, f.Server) }

// told takes the steps from the result.
func (s *Story) told() {
	s.Steps = nil
	number := uint32(0)
	for _, p := range s.Flow.Packets {
		step := Step{Packet: p}
		if p.Did != "sent" {
			number++
		}
		for _, h := range s.Run.Hits {
			if h.Flow == s.Flow.name() && h.Packet == number && p.Did != "sent" {
				step.Decided = append(step.Decided, fmt.Sprintf("rule %s (%s): %s", h.Rule, h.Policy, h.Mechanism), "source: "+h.Source)
				if h.Name != "" {
					step.Read = append(step.Read, "the name "+h.Name)
				}
			}
		}
		s.Steps = append(s.Steps, step)
	}
	if n := s.Flow.Up + s.Flow.Down; n > len(s.Flow.Packets) {
		s.Notes = append(s.Notes, fmt.Sprintf("the result has %d of the flow's %d packets", len(s.Flow.Packets), n))
	}
}

// Title names what is told.
func (s *Story) Title() string {
	return fmt.Sprintf("%s, try %d of %d: %s", s.Cell, s.Try, len(s.Cell.Runs), s.Run.Outcome)
}

// like tells whether two packets are alike in all that is told of them, but for time and size.
func (a *Step) like(b *Step) bool {
	bare := func(s *Step) bool { return len(s.Read)+len(s.Believed)+len(s.Decided) == 0 }
	word := func(s *Step) string { w, _, _ := strings.Cut(s.What, " "); return w }
	return bare(a) && bare(b) && a.Up == b.Up && a.Did == b.Did && a.Rule == b.Rule && a.Box == b.Box && word(a) == word(b)
}
