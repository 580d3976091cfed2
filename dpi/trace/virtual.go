package trace

import (
	"fmt"
	"slices"
	"time"

	"dpilab/dpi"
	"dpilab/dpi/packet"
	"dpilab/rules"
)

// NewVirtual is an Open: engines in a row at virtual time, which begins at an hour. Nothing takes time but the pauses that are
// asked for.
func NewVirtual(s Setup) (Path, error) {
	v := &virtual{now: time.Hour, held: map[uint32]inBox{}}
	for _, e := range s.Elements {
		st := stage{}
		if !e.Hop {
			st.box = &box{name: e.Name, on: true, closed: e.Policy.Profile.FailClosed}
			st.box.engine = dpi.New(dpi.Options{Policy: e.Policy, Seed: s.Seed, OnEvent: v.note})
		}
		v.stages = append(v.stages, st)
	}
	return v, nil
}

// virtual is a Path of engines.
type virtual struct {
	now      time.Duration
	stages   []stage
	next     uint32
	held     map[uint32]inBox // packets that wait in a box for a verdict
	verdicts []dpi.Verdict
	out      []Output
	hits     []string
}

// stage is a router, or a box.
type stage struct{ box *box }

type box struct {
	name       string
	engine     *dpi.Engine
	on, closed bool
}

// inBox is a packet in the box of a stage.
type inBox struct {
	stage int
	dir   rules.Direction
	data  []byte
}

func (v *virtual) note(e *dpi.Event) {
	if e.Kind == dpi.EventHit && e.Rule != nil {
		v.hits = append(v.hits, e.Rule.Name)
	}
}

// Hits gives the rules that hit since the last call.
func (v *virtual) Hits() []string {
	h := v.hits
	v.hits = nil
	return h
}

func (v *virtual) Send(batch []Sent) ([]Output, error) {
	for _, s := range batch {
		v.pass(s.After)
		data := slices.Clone(s.Data)
		if s.From == Client {
			v.travel(0, rules.Up, data)
		} else {
			v.travel(len(v.stages)-1, rules.Down, data)
		}
	}
	return v.take(), nil
}

func (v *virtual) take() []Output {
	out := v.out
	v.out = nil
	return out
}

func (v *virtual) Wait(d time.Duration) ([]Output, error) {
	v.pass(d)
	return v.take(), nil
}

// pass lets time pass in steps, so that what is due in the middle happens there.
func (v *virtual) pass(d time.Duration) {
	step := max(d/512, 100*time.Millisecond)
	for end := v.now + d; v.now < end; {
		v.now = min(v.now+step, end)
		for i := range v.stages {
			if b := v.stages[i].box; b != nil && b.on {
				v.verdicts = b.engine.Advance(v.now, v.verdicts[:0])
				v.apply(i, v.settled())
			}
		}
	}
}

// settled copies the verdicts: their bytes are valid until the engine's next call, and a packet may come by the same box again.
func (v *virtual) settled() []dpi.Verdict {
	all := slices.Clone(v.verdicts)
	for i := range all {
		all[i].Data = slices.Clone(all[i].Data)
	}
	return all
}

// travel moves a packet from stage i on.
func (v *virtual) travel(i int, dir rules.Direction, data []byte) {
	for ; i >= 0 && i < len(v.stages); i += step(dir) {
		b := v.stages[i].box
		if b == nil {
			if !hop(data) {
				return
			}
			continue
		}
		if !b.on {
			if b.closed {
				return
			}
			continue
		}
		v.next++
		v.held[v.next] = inBox{i, dir, data}
		v.verdicts = b.engine.Handle(v.now, dpi.Packet{ID: v.next, Dir: dir, Data: slices.Clone(data)}, v.verdicts[:0])
		v.apply(i, v.settled())
		return
	}
	at := Server
	if dir == rules.Down {
		at = Client
	}
	v.out = append(v.out, Output{at, data})
}

// apply does what the box of stage i decided, in its order.
func (v *virtual) apply(i int, verdicts []dpi.Verdict) {
	for _, d := range verdicts {
		if d.Action == dpi.Send {
			v.travel(i+step(d.Dir), d.Dir, d.Data)
			continue
		}
		p, ok := v.held[d.ID]
		if !ok {
			continue
		}
		delete(v.held, d.ID)
		switch d.Action {
		case dpi.Accept:
			v.travel(i+step(p.dir), p.dir, p.data)
		case dpi.Rewrite:
			v.travel(i+step(p.dir), p.dir, d.Data)
		}
	}
}

func step(dir rules.Direction) int {
	if dir == rules.Up {
		return 1
	}
	return -1
}

// hop does what a router does to the TTL; false: the packet ends here. The router's ICMP message is left out.
func hop(data []byte) bool {
	var p packet.Packet
	if err := p.Decode(data); err != nil && err != packet.ErrTransport || p.TTL <= 1 {
		return false
	}
	packet.SetTTL(data, p.TTL-1)
	return true
}

func (v *virtual) boxes(name string, do func(*box)) error {
	found := false
	for _, s := range v.stages {
		if s.box != nil && s.box.name == name {
			do(s.box)
			found = true
		}
	}
	if !found {
		return fmt.Errorf("the path has no box %q", name)
	}
	return nil
}

func (v *virtual) SetPolicy(name string, c *rules.Compiled) error {
	return v.boxes(name, func(b *box) {
		b.closed = c.Profile.FailClosed
		b.engine.SetPolicy(c)
	})
}

func (v *virtual) Power(name string, on bool) error {
	return v.boxes(name, func(b *box) { b.on = on })
}

func (v *virtual) Close() error { return nil }
