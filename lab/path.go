package lab

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"dpilab/dpi"
	"dpilab/dpi/nfq"
	"dpilab/dpi/trace"
	"dpilab/rules"
)

// PathOptions are settings of a Path. The zero value is the usual one.
type PathOptions struct {
	Reader  nfq.Reader
	Without nfq.Kernel // what the kernel is not to decide by itself, see BoxOptions
	Skip    bool       // pauses set the boxes' clocks forward, and take no time

	unwatched bool // nobody asks for Hits: the kernel may block
}

// Path is a trace's wire in the kernel: boxes in a row, each a bridge in a namespace of its own as in a Lab, routers that take one
// from the TTL, and two bare ports at the ends. The kernel has no address there and answers nothing; frames go in and
// out by packet sockets. Time is real, unless Skip is set. A Path belongs to one goroutine.
//
// Bytes come out as they went in, wrong transport checksums, IPv4 fragments and a TTL of 1 among them, with three exceptions,
// all of bridge netfilter (br_validate_ipv4, br_validate_ipv6): IPv4 packets with a wrong header checksum, a header length
// below 20 bytes or a total length beyond the frame are dropped, and so are IPv6 packets with a payload length beyond it;
// bytes behind the end of the IP packet are cut off; packets with another version than their EtherType says are dropped. None of
// these meets a box.
type Path struct {
	options   PathOptions
	start     time.Time
	done      <-chan struct{} // ends waits
	skipped   time.Duration   // by which the boxes' clocks are ahead
	flushed   time.Duration   // of it, when the kernel last forgot the flows that it keeps
	ends      *namespace      // all bare ports are in it
	spaces    []*namespace
	segments  []*segment
	relays    []*relay
	boxes     []*pathBox // from the client to the server
	ports     [2]*barePort
	marker    *marker
	processor int
	out       []trace.Output

	mu   sync.Mutex
	hits []string

	close sync.Once
	err   error
}

type pathBox struct {
	name string
	wire *Wire
	box  *Box
}

var (
	_ trace.Path    = (*Path)(nil)
	_ trace.Watcher = (*Path)(nil)
)

// Live is a trace.Open that opens Paths.
func Live(o PathOptions) trace.Open {
	return func(s trace.Setup) (trace.Path, error) {
		p, err := OpenPath(s, o)
		if err != nil {
			return nil, err
		}
		return p, nil
	}
}

var paths atomic.Uint32

// OpenPath builds a path and starts its boxes. The process must have been through Enter. When it fails, nothing is left.
func OpenPath(s trace.Setup, o PathOptions) (*Path, error) {
	if _, err := home(); err != nil {
		return nil, fmt.Errorf("open the process's network namespace: %w", err)
	}
	number := paths.Add(1)
	p := &Path{options: o, start: time.Now(), done: s.Done, ends: &namespace{name: "ends"}, marker: newMarker(number)}
	var err error
	if p.processor, err = someProcessor(int(number)); err == nil {
		err = p.build(s)
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *Path) build(s trace.Setup) error {
	p.plan(s)
	for _, step := range [][]func() error{p.makeSpaces(), p.makeSegments(), p.join(), p.settleAll()} {
		var g errgroup.Group
		for _, task := range step {
			g.Go(task)
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
	if err := p.ends.do(p.openPorts); err != nil {
		return err
	}
	for _, r := range p.relays {
		r.start(p.processor)
	}
	if err := p.startBoxes(s); err != nil {
		return err
	}
	// The first markers also show every box where its two sides are, for packets of its own.
	return p.settle(trace.Client)
}

// startBoxes starts the boxes that the elements tell of.
func (p *Path) startBoxes(s trace.Setup) error {
	i := 0
	for _, e := range s.Elements {
		if e.Hop {
			continue
		}
		b := p.boxes[i]
		i++
		watch := p.note
		if p.options.unwatched {
			watch = nil
		}
		var err error
		b.box, err = openBox(b.wire, BoxOptions{
			Policy: e.Policy, Seed: s.Seed, OnEvent: watch, Reader: p.options.Reader, Without: p.options.Without,
			processors: []int{p.processor}, around: p.marker.around,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *Path) note(e *dpi.Event) {
	if e.Kind != dpi.EventHit || e.Rule == nil {
		return
	}
	p.mu.Lock()
	p.hits = append(p.hits, e.Rule.Name)
	p.mu.Unlock()
}

// Hits implements trace.Watcher.
func (p *Path) Hits() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.hits
	p.hits = nil
	return h
}

// SetPolicy implements trace.Path.
func (p *Path) SetPolicy(box string, c *rules.Compiled) error {
	return p.named(box, func(b *Box) error { return b.SetPolicy(c) })
}

// Power implements trace.Path.
func (p *Path) Power(box string, on bool) error {
	return p.named(box, func(b *Box) error { return b.Power(on) })
}

func (p *Path) named(name string, do func(*Box) error) error {
	found := false
	for _, b := range p.boxes {
		if b.name != name {
			continue
		}
		found = true
		if err := do(b.box); err != nil {
			return err
		}
	}
	if !found {
		return fmt.Errorf("the path has no box %q", name)
	}
	return nil
}

// Close ends the boxes and gives everything back to the kernel. It may be called more than once.
func (p *Path) Close() error {
	p.close.Do(func() {
		var errs []error
		for _, b := range p.boxes {
			if b.box != nil {
				errs = append(errs, b.box.Close())
			}
		}
		for _, r := range p.relays {
			errs = append(errs, r.stop())
		}
		for _, port := range p.ports {
			if port != nil {
				errs = append(errs, port.close())
			}
		}
		for _, n := range append(p.spaces, p.ends) {
			n.close()
		}
		p.err = errors.Join(errs...)
	})
	return p.err
}
