package lab

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"dpilab/dpi"
)

// Net is a lab in which everything runs: hosts, services, and boxes with a policy. New gives one to a test, Start to any program. Its
// methods may be called from any goroutine, except where they say otherwise.
type Net struct {
	*Lab
	settings netSettings
	test     TB // nil: none

	mu     sync.Mutex
	boxes  map[string]*Box // by wire
	seen   *sync.Cond      // something has come to events
	events []Event
	lost   int // events that came after keptEvents
}

// Start builds a lab, starts all its services, and puts boxes on its wires. The process must have been through Enter. When it fails,
// nothing is left; when ctx ends, the services end.
func Start(ctx context.Context, options ...Option) (*Net, error) {
	if err := checkEntered(); err != nil {
		return nil, err
	}
	n := &Net{settings: netSettings{topology: "subscriber", client: "client", seed: 1}, boxes: map[string]*Box{}}
	n.seen = sync.NewCond(&n.mu)
	for _, o := range options {
		o(&n.settings)
	}
	t, err := topologyOf(n.settings.topology)
	if err != nil {
		return nil, err
	}
	if t.Host(n.settings.client) == nil {
		return nil, fmt.Errorf("the topology %s has no host %q to be the client, name one by WithClient; hosts: %s", t.Name, n.settings.client, hostNames(t))
	}
	if n.Lab, err = Build(ctx, t, n.settings.lab); err != nil {
		return nil, err
	}
	if err := n.serve(ctx); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func (n *Net) serve(ctx context.Context) error {
	if _, err := n.Serve(ctx); err != nil {
		return err
	}
	at := map[string]string{}
	for _, p := range n.settings.policies {
		at[p.box] = p.policy
	}
	for _, box := range n.Topology.Boxes {
		policy, named := at[box]
		if !named {
			policy = at[""]
		}
		delete(at, box)
		if policy == "" {
			continue
		}
		if err := n.SetPolicy(policy, box); err != nil {
			return err
		}
	}
	delete(at, "")
	for box := range at {
		return fmt.Errorf("the topology %s has no box %q; boxes: %s", n.Topology.Name, box, strings.Join(n.Topology.Boxes, ", "))
	}
	return nil
}

// checkEntered says what is missing where nobody has called Enter.
func checkEntered() error {
	if entered {
		return nil
	}
	return errors.New("this process is not in namespaces of its own, which a lab needs. A test's package needs a TestMain:\n\n" +
		"\tfunc TestMain(m *testing.M) { lab.Main(m) }\n\n" +
		"(or lab.Enter() as the first line of the one that it has). In a program, lab.Enter() is the first line of main")
}

func hostNames(t *Topology) string {
	names := make([]string, len(t.Hosts))
	for i, h := range t.Hosts {
		names[i] = h.Name
	}
	return strings.Join(names, ", ")
}

// Client is the host that tries things.
func (n *Net) Client() *Host { return n.Lab.Host(n.settings.client) }

// Host gives a host or a router by its name. When there is none, the test fails, and must be on its own goroutine; a Net that Start made
// gives nil.
func (n *Net) Host(name string) *Host {
	h := n.Lab.Host(name)
	if h == nil && n.test != nil {
		n.test.Helper()
		n.test.Fatal(fmt.Sprintf("the lab has no host %q; hosts: %s; routers: %s", name, hostNames(n.Topology), strings.Join(n.Topology.Routers, ", ")))
	}
	return h
}

// Box gives the box on the wire of this name, on the first of the topology that has one when the name is empty; nil when there is none.
func (n *Net) Box(name string) *Box {
	n.mu.Lock()
	defer n.mu.Unlock()
	if name != "" {
		return n.boxes[name]
	}
	for _, name := range n.Topology.Boxes {
		if b := n.boxes[name]; b != nil {
			return b
		}
	}
	return nil
}

// SetPolicy gives flows that open from now on another policy at these boxes, at all wires of the topology when none is named. What was
// a wire becomes a box. The policy is given as to WithPolicy.
func (n *Net) SetPolicy(policy string, boxes ...string) error {
	compiled, err := compiledOf(policy)
	if err != nil {
		return err
	}
	if len(boxes) == 0 {
		boxes = n.Topology.Boxes
	}
	for _, name := range boxes {
		if b := n.Box(name); b != nil {
			if err := b.SetPolicy(compiled); err != nil {
				return err
			}
			continue
		}
		b, err := n.StartBox(name, BoxOptions{Policy: compiled, Seed: n.settings.seed, OnEvent: func(e *dpi.Event) { n.see(name, e) }})
		if err != nil {
			return err
		}
		n.mu.Lock()
		n.boxes[name] = b
		n.mu.Unlock()
	}
	return nil
}

// Skip sets the clocks of all boxes forward, so that what they remember ages at once.
func (n *Net) Skip(d time.Duration) error {
	for _, name := range n.Topology.Boxes {
		if b := n.Box(name); b != nil {
			if err := b.Skip(d); err != nil {
				return err
			}
		}
	}
	return nil
}

// Close ends the services, the boxes and the lab. It may be called more than once.
func (n *Net) Close() error {
	var errs []error
	if s := n.Services(); s != nil {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, n.Lab.Close())...)
}
