package matrix

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"dpilab/dpi"
	"dpilab/lab"
	"dpilab/lab/probe"
)

// try is one try of a cell.
type try struct {
	Run
	kind    probe.Kind
	reached bool
	slow    bool // reached, at less than a third of the reference
	hits    []hit
	removed string // a name of the goal that the national resolver does not know
}

// slowShare is the share of a tool's own reference below which a transfer is degraded: choice, the limit that scenarios have for the line.
const slowShare = 1.0 / 3

// rateTries is how often a rate is measured that looks too low and that no rule explains.
const rateTries = 3

// try tries a cell once: a fresh box, a fresh client part, and a look at all that is on the links meanwhile.
func (b *bench) try(ctx context.Context, s *slot, n int, ref *reference) (_ *try, err error) {
	t := &try{Run: Run{Seed: b.Seed + uint64(n)}}
	dir := filepath.Join(b.dir, "watch", keptDir(s.cell, n))
	if b.Keep != "" {
		t.Kept = keptDir(s.cell, n)
		dir = filepath.Join(b.Keep, t.Kept)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if b.Keep == "" {
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	b.services.Restore()
	b.services.Remove(s.column.Phase.Remove...)
	t.removed = removedFor(s.goal.Host, s.column.Phase.Remove)

	w, err := startWatch(b.lab, b.view, dir)
	if err != nil {
		return nil, err
	}
	before := len(b.session.Log())
	o, toolErr, err := b.behindBoxes(ctx, s, t.Seed, w, ref)
	if err != nil {
		return nil, errors.Join(err, w.end())
	}
	seen, err := w.stop()
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	t.take(o, toolErr, ref)
	t.look(b, s, seen)
	log := since(b.session.Log(), before)
	if n == 0 || !t.reached || t.slow || len(t.Leaks) > 0 {
		t.Log = log
	}
	if b.Keep != "" {
		return t, errors.Join(writeEvents(filepath.Join(dir, "events.jsonl"), seen.events), os.WriteFile(filepath.Join(dir, "tool.log"), []byte(log), 0o644))
	}
	return t, nil
}

// behindBoxes tries the goal with the phase's boxes on their wires. toolErr is what the tool itself has to say: it did not get ready, was not
// used, or did not stop; err is the machine's.
func (b *bench) behindBoxes(ctx context.Context, s *slot, seed uint64, w *watch, ref *reference) (o probe.Outcome, toolErr, err error) {
	for _, p := range s.column.Phase.Policies {
		box, err := b.startBox(ctx, p.Box, lab.BoxOptions{Policy: p.Compiled, Seed: seed, OnEvent: func(e *dpi.Event) { w.see(p.Box, s.column.Phase.Name, e) }})
		if err != nil {
			return o, nil, err
		}
		w.began(p.Box, time.Now().Add(-box.Now()))
		defer func() { err = errors.Join(err, box.Close()) }()
	}
	within, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	defer func() {
		w.over = time.Now()
		if stopErr := b.session.Stop(); stopErr != nil && toolErr == nil {
			toolErr = fmt.Errorf("does not stop: %w", stopErr)
		}
	}()
	calm(within)
	if err := b.session.Start(within, s.goal.Probe); err != nil {
		return probe.Outcome{Kind: probe.Failed, Detail: oneLine(err.Error())}, nil, nil
	}
	if o = b.session.Try(within, s.goal.Probe); tooSlow(o, ref) && !w.slowed() {
		o = b.again(within, s, w, ref, o)
	}
	if within.Err() != nil && !reached(o) {
		o = probe.Outcome{Kind: probe.Timeout, Detail: fmt.Sprintf("it came to no end in %s", tryTime)}
	}
	if reached(o) {
		toolErr = b.session.Used()
	}
	return o, toolErr, nil
}

// startBox makes a wire a box. Where another box was until a moment ago, its table can still be there: a program that is being started holds
// all descriptors of this process until it is executed, those of sockets whose tables go with them included.
func (b *bench) startBox(ctx context.Context, name string, o lab.BoxOptions) (*lab.Box, error) {
	for tries := 0; ; tries++ {
		box, err := b.lab.StartBox(name, o)
		if err == nil || tries == boxTries || ctx.Err() != nil {
			return box, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

const boxTries = 50

// again measures a rate again that looks too low although no rule slows it, while no other is measured again: labs share the processors.
// The best counts.
func (b *bench) again(ctx context.Context, s *slot, w *watch, ref *reference, o probe.Outcome) probe.Outcome {
	b.bulk.Lock()
	defer b.bulk.Unlock()
	for n := 1; n < rateTries && tooSlow(o, ref) && !w.slowed() && ctx.Err() == nil; n++ {
		if more := b.session.Try(ctx, s.goal.Probe); reached(more) && more.Transfer != nil && rateOf(more) > rateOf(o) {
			o = more
		}
	}
	return o
}

// tooSlow tells whether a transfer came to its end at less than a third of the reference.
func tooSlow(o probe.Outcome, ref *reference) bool {
	return reached(o) && o.Transfer != nil && len(ref.rates) > 0 && rateOf(o) < slowShare*spreadOf(ref.rates).Median
}

// take fills in what came of the try.
func (t *try) take(o probe.Outcome, toolErr error, ref *reference) {
	t.kind, t.Kind, t.Outcome = o.Kind, string(o.Kind), oneLine(o.String())
	t.reached, t.slow = reached(o), tooSlow(o, ref)
	t.Handshake, t.FirstByte = milliseconds(o.Handshake), milliseconds(o.FirstByte)
	if o.Transfer != nil {
		t.Goodput = rateOf(o)
	}
	if t.reached && t.kind == probe.Throttled && !t.slow { // slow for the line, and not for the tool
		t.kind, t.Kind = probe.OK, string(probe.OK)
	}
	if toolErr != nil {
		if t.reached {
			t.Leaks = append(t.Leaks, "the traffic did not go through the tool: "+oneLine(toolErr.Error()))
		} else {
			t.Outcome += "; " + oneLine(toolErr.Error())
		}
	}
}

// look fills in what was seen meanwhile.
func (t *try) look(b *bench, s *slot, seen *sight) {
	t.hits = seen.hits(b.view.hostOf)
	for _, h := range t.hits {
		t.Hits = append(t.Hits, h.Hit)
	}
	if !b.row.tool.Direct {
		sent := seen.client
		if b.with.onRouter(b.row.tool) {
			sent = seen.router
		}
		if target := siteOf(b.lab, s.goal.Host); target.host != b.server { // a messenger that brings its server leads there itself
			t.Leaks = append(t.Leaks, target.leaks(sent, b.view.hostOf)...)
		}
	}
	for _, track := range seen.tracks {
		t.Flows = append(t.Flows, track.flow(seen.start, b.view.hostOf, true))
	}
}

// removedFor gives the name whose removal from the national resolver took the goal's away.
func removedFor(host string, removed []string) string {
	for _, r := range removed {
		if strings.EqualFold(host, r) || strings.HasSuffix(strings.ToLower(host), "."+strings.ToLower(r)) {
			return r
		}
	}
	return ""
}
