package matrix

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"dpilab/dpi"
	"dpilab/dpi/packet"
	"dpilab/lab"
	"dpilab/scenarios"
)

// watch is the look at one try: what is on the client's link and at both ends of the box's, and what the boxes do. It belongs to one
// goroutine, but for see.
type watch struct {
	view    *view
	dir     string // of the capture
	capture *lab.Capture
	start   time.Time
	over    time.Time // when the client knew what came of it

	mu     sync.Mutex
	boxes  map[string]time.Time // when each began
	events []boxEvent
}

// boxEvent is an event with its box.
type boxEvent struct {
	dpi.Event
	box, phase string
	at         time.Duration // from the watch's start
}

// sight is what a watch has seen.
type sight struct {
	start  time.Time
	client []*seen // that left the client, until it knew what came of the try
	router []*seen // that left the client's side of the boxes, until then
	tracks []*track
	events []boxEvent
	lost   uint64 // packets that the capture did not keep up with
}

// startWatch begins to look. dir is made, and the caller's.
func startWatch(l *lab.Lab, v *view, dir string) (*watch, error) {
	c, err := l.Capture(dir, v.links...)
	if err != nil {
		return nil, err
	}
	return &watch{view: v, dir: dir, capture: c, start: time.Now(), boxes: map[string]time.Time{}}, nil
}

// see takes in what a box does. It runs on the box's goroutine.
func (w *watch) see(box, phase string, e *dpi.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, boxEvent{Event: *e, box: box, phase: phase})
}

// began says when a box's clock was at nought.
func (w *watch) began(box string, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.boxes[box] = at
}

// slowed tells whether a rule that makes transfers slower has hit a flow.
func (w *watch) slowed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.events, func(e boxEvent) bool { return slows(e.Rule.Do.Mechanism) })
}

// end ends a watch that nobody wants to see.
func (w *watch) end() error {
	_, err := w.capture.Stop()
	return err
}

// underway is how long a packet that went into the boxes may take to come out of them on a busy machine, links included. What a box still
// holds when it ends is lost, without an event (choice).
const underway = 500 * time.Millisecond

// stop ends the capture and reads it.
func (w *watch) stop() (*sight, error) {
	stats, err := w.capture.Stop()
	if err != nil {
		return nil, err
	}
	s := &sight{start: w.start}
	for _, st := range stats {
		s.lost += st.Dropped
	}
	faces := map[string][]*seen{}
	for _, face := range append([]string{w.view.inner, w.view.outer}, w.view.lines...) {
		if faces[face] != nil {
			continue
		}
		_, link, _ := strings.Cut(face, "/")
		if faces[face], err = readSeen(filepath.Join(w.dir, link+".pcapng"), face, w.view.inside); err != nil {
			return nil, err
		}
	}
	for _, line := range w.view.lines {
		for _, p := range faces[line] {
			if w.view.hostOf[p.dst()] != w.view.client && p.at.Before(w.over) {
				p.up = true // to a host on this side of the box, too
				s.client = append(s.client, p)
			}
		}
	}
	s.client = fresh(s.client, openedIn(s.client))
	inner, outer := faces[w.view.inner], faces[w.view.outer]
	for _, p := range inner {
		if p.up && p.at.Before(w.over) {
			s.router = append(s.router, p)
		}
	}
	opened := openedIn(inner, outer)
	s.router = fresh(s.router, opened)
	w.mu.Lock()
	events := w.events
	w.mu.Unlock()
	var plain []dpi.Event
	for _, e := range events {
		if e.Flow.Transport != packet.TCP || opened[e.Flow] || e.Flow.Inside.Port() == 0 {
			e.at = e.Time + w.boxes[e.box].Sub(w.start)
			s.events = append(s.events, e)
			plain = append(plain, e.Event)
			plain[len(plain)-1].Time = e.at
		}
	}
	s.tracks = tracksOf(fresh(inner, opened), fresh(outer, opened), plain)
	late := map[dpi.FlowID]bool{}
	for _, t := range s.tracks {
		late[t.id] = t.leftover()
	}
	s.tracks = slices.DeleteFunc(s.tracks, func(t *track) bool { return late[t.id] })
	s.events = slices.DeleteFunc(s.events, func(e boxEvent) bool { return late[e.Flow] })
	for _, t := range s.tracks {
		t.pair(w.start, w.over.Add(-underway))
	}
	return s, nil
}

// openedIn gives the TCP flows that someone opened.
func openedIn(all ...[]*seen) map[dpi.FlowID]bool {
	opened := map[dpi.FlowID]bool{}
	for _, p := range slices.Concat(all...) {
		opened[p.flow()] = opened[p.flow()] || p.opens()
	}
	return opened
}

// fresh leaves out TCP flows that nobody opened meanwhile: what the kernel still sends for connections of earlier tries.
func fresh(all []*seen, opened map[dpi.FlowID]bool) []*seen {
	var some []*seen
	for _, p := range all {
		if !p.tcp() || opened[p.flow()] {
			some = append(some, p)
		}
	}
	return some
}

// writeEvents puts the events into a file, a line of JSON each.
func writeEvents(file string, events []boxEvent) (err error) {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	out := json.NewEncoder(f)
	for _, e := range events {
		if err := out.Encode(scenarios.EventOf(e.phase, e.box, e.Event)); err != nil {
			return fmt.Errorf("write %s: %w", file, err)
		}
	}
	return nil
}
