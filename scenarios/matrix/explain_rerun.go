package matrix

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"dpilab/dpi"
	"dpilab/rules"
	"dpilab/scenarios"
)

// rerun tells the story by running the phase's boxes over what the try's captures have. The error says why that cannot be.
func (s *Story) rerun(o ExplainOptions) error {
	if s.Run.Kept == "" {
		return errors.New("this try kept no captures (dpilab matrix --keep DIR): what the box read and believed is not known")
	}
	dir := s.Run.Kept
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(o.Folder, dir)
	}
	if _, err := os.Stat(dir); err != nil {
		return fmt.Errorf("the captures are not there: %w", err)
	}
	scenario, phase, err := s.find(o.Scenario)
	if err != nil {
		return err
	}
	v, err := newView(scenario.Topology, scenario.Client)
	if err != nil {
		return err
	}
	packets, notes, err := beforeBoxes(dir, v)
	if err != nil {
		return err
	}
	t := newTeller(s, phase, packets)
	for _, p := range packets {
		t.packet(p)
	}
	t.end()
	s.Steps, s.Rerun = t.steps, dir
	s.Notes = append(s.Notes, notes...)
	if len(s.Steps) == 0 {
		return fmt.Errorf("%s has no packet of this flow", dir)
	}
	s.compare(t)
	return nil
}

// find opens the cell's scenario.
func (s *Story) find(name string) (*scenarios.Scenario, *scenarios.Phase, error) {
	sc, err := scenarios.Open(cmp.Or(name, s.Cell.Scenario))
	if err != nil {
		return nil, nil, fmt.Errorf("the boxes cannot run again without the scenario; --scenario FILE names it: %w", err)
	}
	for i := range sc.Phases {
		if p := &sc.Phases[i]; p.Name == s.Cell.Phase && len(p.Policies) > 0 {
			return sc, p, nil
		}
	}
	return nil, nil, fmt.Errorf("the scenario %s has no phase %s with a box any more", sc.Name, s.Cell.Phase)
}

// compare notes where the boxes now decide otherwise than they did.
func (s *Story) compare(t *teller) {
	rulesOf := func(names []string) string { slices.Sort(names); return strings.Join(slices.Compact(names), ", ") }
	var then []string
	for _, h := range s.Run.Hits {
		if h.Flow == s.Flow.name() {
			then = append(then, h.Rule)
		}
	}
	if a, b := rulesOf(then), rulesOf(t.touched); a != b {
		s.Notes = append(s.Notes, fmt.Sprintf("run again, the box decides otherwise than it did: then %s, now %s; the policy has changed, or its chances fell otherwise",
			cmp.Or(a, "no rule"), cmp.Or(b, "no rule")))
	}
}

// teller runs boxes over packets and writes down what they make of one flow.
type teller struct {
	story   *Story
	flow    string
	engines []*dpi.Engine
	boxes   []string
	events  [][]dpi.Event
	was     []dpi.View // of the flow, in each box
	namer   *namer
	begin   time.Time
	shift   float64 // from begin to the times of the result, in ms
	held    map[uint32]heldStep
	id      uint32
	steps   []Step
	touched []string // rules, as hits of a result count them
	first   bool
	clock   float64 // of the packet at hand, as the result has it
	taken   []int   // events of each box that are written down
}

// heldStep is a packet that a box keeps.
type heldStep struct {
	seen *seen
	step int // index of its step, -1 where it has none
}

func newTeller(s *Story, phase *scenarios.Phase, packets []*seen) *teller {
	t := &teller{story: s, flow: s.Flow.name(), held: map[uint32]heldStep{}, first: true}
	if len(packets) > 0 {
		t.begin = packets[0].at
	}
	t.events = make([][]dpi.Event, len(phase.Policies))
	t.was = make([]dpi.View, len(phase.Policies))
	t.taken = make([]int, len(phase.Policies))
	for i, p := range phase.Policies {
		t.boxes = append(t.boxes, p.Box)
		t.engines = append(t.engines, dpi.New(dpi.Options{Policy: p.Compiled, Seed: s.Run.Seed, OnEvent: func(e *dpi.Event) { t.events[i] = append(t.events[i], *e) }}))
	}
	return t
}

// packet lets one come by all boxes: from the client by the first one first.
func (t *teller) packet(p *seen) {
	t.clock = t.ms(p.at) + t.shift
	id := p.flow()
	mine := id.String() == t.flow
	step := -1
	if mine {
		if t.namer == nil {
			t.namer = newNamer(id)
		}
		if t.first {
			t.first = false
			if len(t.story.Flow.Packets) > 0 {
				t.shift = t.story.Flow.Packets[0].MS - t.ms(p.at)
				t.clock = t.ms(p.at) + t.shift
			}
		}
		step = len(t.steps)
		t.steps = append(t.steps, Step{Packet: Packet{MS: t.clock, Up: p.up, Length: p.Length, What: t.namer.name(&crossing{seen: p})}})
	}
	at := 0
	if !p.up {
		at = len(t.engines) - 1
	}
	t.box(at, p, p.Data, step)
}

func (t *teller) ms(at time.Time) float64 { return float64(at.Sub(t.begin).Microseconds()) / 1000 }

// box gives a packet to a box, and what comes out to the next one.
func (t *teller) box(i int, p *seen, data []byte, step int) {
	if i < 0 || i >= len(t.engines) {
		return
	}
	next, dir := i+1, rules.Up
	if !p.up {
		next, dir = i-1, rules.Down
	}
	t.id++
	id := t.id
	t.events[i], t.taken[i] = t.events[i][:0], 0
	out := t.engines[i].Handle(p.at.Sub(t.begin), dpi.Packet{ID: id, Dir: dir, Data: slices.Clone(data)}, nil)
	answered := false
	for _, v := range out {
		v.Data = slices.Clone(v.Data) // valid until the engine's next call
		switch {
		case v.Action == dpi.Send:
			t.send(i, p, v, step)
		case v.ID == id:
			answered = true
			t.note(i, p, v, step)
			t.on(next, p, data, v, step)
		default:
			if h, ok := t.held[v.ID]; ok {
				delete(t.held, v.ID)
				t.note(i, h.seen, v, h.step)
				t.on(next, h.seen, h.seen.Data, v, h.step)
			}
		}
	}
	if !answered {
		t.held[id] = heldStep{p, step}
		if step >= 0 {
			t.steps[step].Did = "held"
			t.made(i, p, step)
		}
	}
}

// on gives what came out of a box to the next.
func (t *teller) on(next int, p *seen, data []byte, v dpi.Verdict, step int) {
	switch v.Action {
	case dpi.Drop:
		return
	case dpi.Rewrite:
		data = v.Data
	}
	if next < 0 || next >= len(t.engines) {
		return
	}
	if q := p.with(data); q != nil {
		t.box(next, q, data, step)
	}
}

// with gives the packet with other bytes, nil when they are no packet.
func (s *seen) with(data []byte) *seen {
	q := &seen{at: s.at, up: s.up}
	if q.Decode(data) != nil {
		return nil
	}
	return q
}

// note writes down what a box did to a packet of the flow.
func (t *teller) note(i int, p *seen, v dpi.Verdict, step int) {
	if step < 0 {
		return
	}
	s := &t.steps[step]
	kind := dpi.EventDrop
	switch v.Action {
	case dpi.Drop:
		s.Did = "dropped"
	case dpi.Rewrite:
		s.Did, kind = "rewritten", dpi.EventRewrite
		if q := p.with(v.Data); q != nil {
			s.What += " → " + becomes(p, q)
		}
	default:
		if s.Did == "held" {
			s.Believed = append(s.Believed, fmt.Sprintf("held until %.3f ms", t.clock))
			s.Did = ""
		}
	}
	if s.Did != "" {
		for _, e := range t.events[i] {
			if e.Kind == kind {
				s.Rule = e.Rule.Name
			}
		}
		if len(t.boxes) > 1 {
			s.Box = t.boxes[i]
		}
	}
	t.made(i, p, step)
}

// becomes says what of a packet is other than before.
func becomes(p, q *seen) string {
	switch {
	case p.dst() != q.dst():
		return "to " + q.dst().String()
	case p.src() != q.src():
		return "from " + q.src().String()
	}
	return newNamer(q.flow()).name(&crossing{seen: q})
}

// made writes down what a box has made of the flow with this packet.
func (t *teller) made(i int, p *seen, step int) {
	is, ok := t.engines[i].View(p.flow())
	if !ok {
		return
	}
	was := t.was[i]
	if is.Packets < was.Packets {
		was = dpi.View{} // the flow has begun anew
	}
	t.was[i] = is
	s := &t.steps[step]
	s.Read = append(s.Read, newlyRead(&was, &is)...)
	s.Believed = append(s.Believed, newlyBelieved(&was, &is, p.PayloadLength > 0)...)
	for ; t.taken[i] < len(t.events[i]); t.taken[i]++ {
		e := &t.events[i][t.taken[i]]
		if e.Flow.String() != t.flow {
			continue
		}
		why := scenarios.WhyOf(*e)
		switch e.Kind {
		case dpi.EventHit:
			s.Decided = append(s.Decided, decidedWords(e, why.Mechanism)...)
		case dpi.EventFreeze:
			s.Decided = append(s.Decided, "rule "+e.Rule.Name+": its count is used up, the flow freezes")
		case dpi.EventBan:
			s.Decided = append(s.Decided, "rule "+e.Rule.Name+": the way is closed to further flows for a time")
		}
		t.touch(e)
	}
}

// touch counts a rule as the hits of a result do: those that count, with their first drop.
func (t *teller) touch(e *dpi.Event) {
	kind := dpi.EventHit
	if m := e.Rule.Do.Mechanism; m == rules.MechanismFreeze || m == rules.MechanismLimit {
		kind = dpi.EventDrop
	}
	if e.Kind == kind {
		t.touched = append(t.touched, e.Rule.Name)
	}
}

// send writes down a packet of the box's own, and sends it on.
func (t *teller) send(i int, p *seen, v dpi.Verdict, step int) {
	q := p.with(v.Data)
	if q == nil {
		return
	}
	q.up = v.Dir == rules.Up
	if step >= 0 {
		s := Step{Packet: Packet{MS: t.steps[step].MS, Up: q.up, Length: q.Length, What: newNamer(q.flow()).name(&crossing{seen: q, sent: true}), Did: "sent"}}
		for _, e := range t.events[i] {
			if e.Kind == dpi.EventSend {
				s.Rule = e.Rule.Name
			}
		}
		if len(t.boxes) > 1 {
			s.Box = t.boxes[i]
		}
		t.steps = append(t.steps, s)
	}
	next := i + 1
	if !q.up {
		next = i - 1
	}
	t.box(next, q, v.Data, -1)
}

// end says what is still held.
func (t *teller) end() {
	for _, h := range t.held {
		if h.step >= 0 {
			t.steps[h.step].Believed = append(t.steps[h.step].Believed, "still held when the capture ends")
		}
	}
}
