package trace

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// Run carries a trace out over paths that open builds, one for each repetition. An error is of a path, or of a trace that cannot be
// carried out; what came out otherwise than expected is in the Result. When ctx ends, Run ends with its error, and so do waits in real time.
func Run(ctx context.Context, t *Trace, open Open) (*Result, error) {
	r := &Result{Trace: t, shares: map[shareKey]*share{}}
	for i := range t.Repeat {
		run, err := newRunner(ctx, t, open, t.Seed+uint64(i), r)
		if err != nil {
			return nil, err
		}
		err = errors.Join(run.all(ctx), run.path.Close())
		if err != nil {
			return nil, err
		}
		if len(r.Failures) > 0 {
			break
		}
	}
	r.judgeShares()
	return r, nil
}

// runner carries out one repetition.
type runner struct {
	trace   *Trace
	path    Path
	setup   Setup
	result  *Result
	builder builder
	flows   map[string]*flow
	flow    *flow
	port    uint16
	count   int
	pending []*sent // that have not come out, oldest first
	groups  map[*group]*happening
}

// sent is a packet that was sent, and what became of it.
type sent struct {
	from End
	flow *flow
	data []byte
	want []byte // what it is when nothing touched it, at the other end
	out  []byte // what came out; nil: nothing yet
	at   time.Duration
	dies bool // at a hop, by its TTL
}

// happening is what came of one line, or of a block.
type happening struct {
	from     End
	sent     []*sent
	released []*sent
	back     [][]byte // that nobody sent, at the sender's end
	extra    [][]byte // at the other one
	hits     []string
	watched  bool // the path tells hits
	begin    time.Duration
	end      time.Duration
}

func newRunner(ctx context.Context, t *Trace, open Open, seed uint64, result *Result) (*runner, error) {
	r := &runner{trace: t, result: result, flows: map[string]*flow{}, groups: map[*group]*happening{}, port: 40000}
	r.setup = Setup{Elements: t.elements(), Seed: seed, Done: ctx.Done()}
	var err error
	if r.path, err = open(r.setup); err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(seed, 0x7472616365))
	r.builder = builder{seed: seed, ids: [2]uint16{uint16(random.Uint32()), uint16(random.Uint32())}}
	first := &flow{}
	if err := r.open(first, flowChange{}); err != nil {
		return nil, errors.Join(err, r.path.Close())
	}
	r.flow = first
	return r, nil
}

func (r *runner) fail(e *event, err error) error {
	return &Error{File: r.trace.File, Line: e.line, Text: err.Error()}
}

func (r *runner) all(ctx context.Context) error {
	for i := range r.trace.events {
		if err := ctx.Err(); err != nil {
			return err
		}
		e := &r.trace.events[i]
		h, err := r.event(e)
		if err != nil {
			var bad *Error
			if errors.As(err, &bad) {
				return err
			}
			return r.fail(e, err)
		}
		want := e.expect
		inGroup := len(e.groups) > 0
		if h != nil {
			for _, g := range e.groups {
				r.join(g, h)
			}
			if want != nil || !inGroup {
				r.result.judge(e.line, want, h)
			}
		}
		for _, g := range e.closes {
			if total := r.groups[g]; total != nil {
				r.result.judge(g.line, g.expect, total)
			}
		}
		if len(r.result.Failures) >= maxFailures {
			return nil
		}
	}
	return nil
}

// join adds what came of a line to its block; a line that expects something itself has been judged, and counts all the same.
func (r *runner) join(g *group, h *happening) {
	total := r.groups[g]
	if total == nil {
		total = &happening{from: h.from, begin: h.begin}
		r.groups[g] = total
	}
	if len(total.sent) == 0 {
		total.from = h.from
	}
	total.sent = append(total.sent, h.sent...)
	total.released = append(total.released, h.released...)
	total.hits, total.watched = append(total.hits, h.hits...), h.watched
	total.end = h.end
	if h.from == total.from {
		total.back, total.extra = append(total.back, h.back...), append(total.extra, h.extra...)
	} else {
		total.back, total.extra = append(total.back, h.extra...), append(total.extra, h.back...)
	}
}

func (r *runner) event(e *event) (*happening, error) {
	switch do := e.do.(type) {
	case *packets:
		return r.send(do)
	case pause:
		h := &happening{begin: r.builder.now}
		r.builder.now += do.d
		h.end = r.builder.now
		out, err := r.path.Wait(do.d)
		r.note(h, out)
		return h, err
	case flowChange:
		return nil, r.change(do)
	case policyChange:
		return nil, r.path.SetPolicy(do.box, do.policy.compiled)
	case power:
		return nil, r.path.Power(do.box, do.on)
	}
	return nil, nil
}

func (r *runner) send(d *packets) (*happening, error) {
	h := &happening{from: d.from, begin: r.builder.now}
	all, err := r.builder.packets(d, r.flow)
	if err != nil {
		return nil, err
	}
	batch := make([]Sent, len(all))
	for i, data := range all {
		batch[i] = Sent{From: d.from, Data: data}
		if i > 0 {
			batch[i].After = d.every
			r.builder.now += d.every
		}
		s := &sent{from: d.from, flow: r.flow, data: data, at: r.builder.now}
		s.want, s.dies = arriving(data, r.setup.hops())
		h.sent = append(h.sent, s)
	}
	h.end = r.builder.now + d.every
	r.pending = append(r.pending, h.sent...)
	out, err := r.path.Send(batch)
	if err != nil {
		return nil, err
	}
	if d.every > 0 { // the last packet has its pause too, so that loops follow each other at their rate
		later, err := r.path.Wait(d.every)
		if err != nil {
			return nil, err
		}
		r.builder.now += d.every
		out = append(out, later...)
	}
	r.note(h, out)
	return h, nil
}

// note takes what came out, and what the path tells besides.
func (r *runner) note(h *happening, out []Output) {
	r.sort(h, out)
	if w, ok := r.path.(Watcher); ok {
		h.hits, h.watched = w.Hits(), true
	}
}

func (s serverSpec) fail(file, format string, args ...any) error {
	return fail(file, s.at, format, args...)
}
