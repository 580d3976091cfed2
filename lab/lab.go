package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// Options are settings of one lab. The zero value is the usual one.
type Options struct {
	HeldDelay bool // delay links by held verdicts even where the kernel has netem
}

// Lab is a running topology. Its methods may be called from any goroutine.
type Lab struct {
	Topology *Topology

	dir      string
	hosts    map[string]*Host // hosts and routers
	services atomic.Pointer[Services]
	wires    map[string]*Wire // by box
	segments []*segment       // every veth pair
	spaces   []*namespace     // every namespace
	lines    []*delayLine
	netem    bool // delays links, instead of lines
	mu       sync.Mutex
	captures []*Capture
	boxes    []*Box
	close    sync.Once
}

var labs atomic.Int64

// Build makes the namespaces, the links and the routes of a topology. The process must have been through Enter. When it
// fails or ctx ends, nothing is left.
func Build(ctx context.Context, t *Topology, o Options) (*Lab, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	l := &Lab{
		Topology: t,
		dir:      filepath.Join(runDir, strconv.FormatInt(labs.Add(1), 10)),
		hosts:    map[string]*Host{},
		wires:    map[string]*Wire{},
		netem:    !o.HeldDelay && hasNetem(),
	}
	if err := l.build(ctx); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Lab) build(ctx context.Context) error {
	if err := l.plan(); err != nil {
		return err
	}
	for _, step := range []func() []func() error{l.makeSpaces, l.makeSegments, l.joinBridges, l.makeEnds, l.startLines, l.addRoutes, l.settle} {
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(8)
		for _, task := range step() {
			g.Go(func() error {
				if err := ctx.Err(); err != nil {
					return err
				}
				return task()
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// plan says which namespaces and veth pairs there will be. A link is a chain: its first end, a delay line when it has a
// delay and the kernel no netem, a box when it passes through one, its second end.
func (l *Lab) plan() error {
	t := l.Topology
	for _, name := range t.nodes() {
		spec := t.Host(name)
		h := &Host{Name: name, lab: l, space: &namespace{name: name}, router: spec == nil}
		if spec != nil {
			h.Names = slices.Clone(spec.Names)
			h.resolver = t.addrsOf(spec.Resolver)
		}
		h.addrs = t.addrsOf(name)
		l.hosts[name] = h
		l.spaces = append(l.spaces, h.space)
	}
	for _, spec := range t.Links {
		left, right := spec.Ends[0], spec.Ends[1]
		chain := []port{{space: l.hosts[left.Node].space, name: spec.Name, mac: macOf(left)}}
		bridge := func(name string) *namespace {
			n := &namespace{name: name, bridge: true}
			l.spaces = append(l.spaces, n)
			return n
		}
		if spec.Delay > 0 && !l.netem {
			n := bridge("delay of " + spec.Name)
			line := &delayLine{link: spec.Name, delay: spec.Delay, space: n}
			l.lines = append(l.lines, line)
			chain = append(chain, port{space: n, name: "left"}, port{space: n, name: "right"})
		}
		if spec.Box != "" {
			n := bridge(spec.Box)
			l.wires[spec.Box] = &Wire{Box: spec.Box, Link: spec.Name, space: n}
			chain = append(chain, port{space: n, name: insidePort}, port{space: n, name: outsidePort})
		}
		chain = append(chain, port{space: l.hosts[right.Node].space, name: spec.Name, mac: macOf(right)})
		for i := 0; i < len(chain); i += 2 {
			l.segments = append(l.segments, &segment{link: spec.Name, index: firstIndex + len(l.segments), a: chain[i], b: chain[i+1]})
		}
	}
	return nil
}

func (l *Lab) makeSpaces() []func() error {
	var tasks []func() error
	for _, n := range l.spaces {
		settings := settingsOf(n.bridge, l.hosts[n.name] != nil && l.hosts[n.name].router)
		tasks = append(tasks, func() error { return n.open(func() error { return settings.apply() }) })
	}
	for _, h := range l.hosts {
		tasks = append(tasks, h.writeEtc)
	}
	return tasks
}

func (l *Lab) makeSegments() []func() error {
	var tasks []func() error
	for _, s := range l.segments {
		tasks = append(tasks, s.create)
	}
	return tasks
}

// joinBridges makes a bridge of the two ports of every delay line and every box.
func (l *Lab) joinBridges() []func() error {
	var tasks []func() error
	for _, n := range l.spaces {
		if n.bridge {
			tasks = append(tasks, n.joinPorts)
		}
	}
	for _, w := range l.wires {
		tasks = append(tasks, w.findPorts)
	}
	return tasks
}

// makeEnds gives both ends of every link their addresses, their neighbour and their rate.
func (l *Lab) makeEnds() []func() error {
	var tasks []func() error
	for _, spec := range l.Topology.Links {
		for i, end := range spec.Ends {
			peer := spec.Ends[1-i]
			h := l.hosts[end.Node]
			tasks = append(tasks, func() error { return h.configure(spec, end, peer) })
		}
	}
	return tasks
}

func (l *Lab) startLines() []func() error {
	var tasks []func() error
	for _, line := range l.lines {
		tasks = append(tasks, line.start)
	}
	return tasks
}

func (l *Lab) addRoutes() []func() error {
	var tasks []func() error
	for name, h := range l.hosts {
		tasks = append(tasks, func() error { return h.addRoutes(l.Topology.routes(name)) })
	}
	return tasks
}

func (l *Lab) settle() []func() error {
	var tasks []func() error
	for _, n := range l.spaces {
		tasks = append(tasks, n.settle)
	}
	for _, h := range l.hosts {
		tasks = append(tasks, h.settle)
	}
	return tasks
}

// Host gives a host or a router by its name, nil when there is none.
func (l *Lab) Host(name string) *Host { return l.hosts[name] }

// HostAt gives the host or router that has an address, nil when none has it.
func (l *Lab) HostAt(a netip.Addr) *Host {
	for _, h := range l.hosts {
		if slices.Contains(h.addrs, a) {
			return h
		}
	}
	return nil
}

// Hosts gives the hosts in the order of the topology, without the routers.
func (l *Lab) Hosts() []*Host {
	var all []*Host
	for _, spec := range l.Topology.Hosts {
		all = append(all, l.hosts[spec.Name])
	}
	return all
}

// Wire gives the place of a box, nil when the topology has no box of this name.
func (l *Lab) Wire(box string) *Wire { return l.wires[box] }

// Close stops the captures and the links and gives the namespaces back to the kernel, which removes each when the last
// process, socket or connection in it is gone. It may be called more than once.
func (l *Lab) Close() error {
	var errs []error
	l.close.Do(func() {
		l.mu.Lock()
		captures, boxes := l.captures, l.boxes
		l.mu.Unlock()
		for _, b := range boxes {
			if err := b.Close(); err != nil {
				errs = append(errs, err)
			}
		}
		for _, c := range captures {
			if _, err := c.Stop(); err != nil {
				errs = append(errs, err)
			}
		}
		for _, line := range l.lines {
			if err := line.stop(); err != nil {
				errs = append(errs, fmt.Errorf("link %s: %w", line.link, err))
			}
		}
		for _, n := range l.spaces {
			n.close()
		}
		if err := os.RemoveAll(l.dir); err != nil {
			errs = append(errs, err)
		}
	})
	return errors.Join(errs...)
}
