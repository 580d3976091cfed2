package bench

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime/pprof"
	"time"

	"golang.org/x/sys/unix"

	"dpilab/dpi/nfq"
	"dpilab/lab"
	"dpilab/rules"
)

// serverAddr is where the server listens.
var serverAddr = netip.MustParseAddr("198.18.0.2")

// wireTopology is a client and a server on one wire, with the place of a box between them.
func wireTopology() *lab.Topology {
	return &lab.Topology{
		Name: "bench", About: "a client, a box and a server on one wire, as fast as it goes",
		Hosts: []lab.HostSpec{{Name: "client"}, {Name: "server"}},
		Boxes: []string{"box"},
		Links: []lab.LinkSpec{{
			Name: "wire", Box: "box",
			Ends: []lab.EndSpec{
				{Node: "client", Addrs: []netip.Prefix{netip.MustParsePrefix("198.18.0.1/16")}},
				{Node: "server", Addrs: []netip.Prefix{netip.PrefixFrom(serverAddr, 16)}},
			},
		}},
	}
}

// path is one of the ways that are compared: what stands on the wire while it is measured.
type path struct {
	name  string
	start func(*runner) (running, error)
}

// running is what stands on the wire.
type running interface {
	used() (usage, error) // since it started; any number of times
	close() error
}

// usage is what a box did so far.
type usage struct {
	cpu     time.Duration // of what decides packets, with the kernel's work on its behalf
	packets uint64        // that it was given by the kernel
	kernel  uint64        // packets that the kernel passed by itself
}

func (u usage) since(before usage) usage {
	return usage{u.cpu - before.cpu, u.packets - before.packets, u.kernel - before.kernel}
}

// errLeftOut says why a path cannot be measured here.
type errLeftOut struct{ why string }

func (e errLeftOut) Error() string { return e.why }

// bareWire is a wire without a box.
type bareWire struct{}

func (bareWire) used() (usage, error) { return usage{}, nil }
func (bareWire) close() error         { return nil }

func wirePath(name string) path {
	return path{name, func(*runner) (running, error) { return bareWire{}, nil }}
}

// box is one of the lab's.
type box struct {
	*lab.Box
	ownThreads bool // the engine's threads do all the work
}

// boxPath is dpilab's box under a policy.
func boxPath(name string, policy func(*policies) (*rules.Compiled, error), o lab.BoxOptions) path {
	return path{name, func(r *runner) (running, error) {
		var err error
		if o.Policy, err = policy(&r.policies); err != nil {
			return nil, err
		}
		b, err := r.lab.StartBox("box", o)
		return box{b, o.Reader == nfq.Own}, err
	}}
}

// rulesPath is a box that is dead, and so lets everything pass: what is left is what the kernel's rules cost. No reader of queues can be
// faster.
func rulesPath(name string, policy func(*policies) (*rules.Compiled, error)) path {
	return path{name, func(r *runner) (running, error) {
		c, err := policy(&r.policies)
		if err != nil {
			return nil, err
		}
		b, err := r.lab.StartBox("box", lab.BoxOptions{Policy: c})
		if err != nil {
			return nil, err
		}
		return deadBox{b}, b.Power(false)
	}}
}

// deadBox decides nothing.
type deadBox struct{ b *lab.Box }

func (deadBox) used() (usage, error) { return usage{}, nil }
func (d deadBox) close() error       { return d.b.Close() }

// used gives the processor time of the box's threads. go-nfqueue reads on a thread that nobody knows: there it is the process's,
// which does nothing else meanwhile.
func (b box) used() (u usage, err error) {
	if b.ownThreads {
		u.cpu, err = b.CPU()
	} else {
		u.cpu, err = processCPU()
	}
	if err != nil {
		return u, err
	}
	c, err := b.Counters()
	u.packets, u.kernel = c.Received, c.OffloadedPass
	return u, err
}

func (b box) close() error { return b.Close() }

func processCPU() (time.Duration, error) {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0, err
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

// along goes along all paths, round by round, each round beginning with another one. A path that fails is not measured again.
func (r *runner) along(paths []path, measure func(p path, b running, round int) error) error {
	return r.rounds(r.o.Rounds, paths, measure)
}

func (r *runner) rounds(rounds int, paths []path, measure func(p path, b running, round int) error) error {
	if err := r.open(); err != nil {
		return err
	}
	out := map[string]bool{}
	for round := range rounds {
		for i := range paths {
			p := paths[(i+round)%len(paths)]
			if out[p.name] {
				continue
			}
			r.tell(round, p.name, len(paths)*(rounds-round)-i)
			err := r.measure(p, round, measure)
			if ended := r.ctx.Err(); ended != nil {
				return ended
			}
			var left errLeftOut
			switch {
			case errors.As(err, &left):
				r.leaveOut(p.name, left.why)
			case err != nil:
				r.fail(p.name, fmt.Errorf("round %d: %w", round+1, err))
				r.samples.drop(p.name)
			default:
				continue
			}
			out[p.name] = true
		}
	}
	return nil
}

func (r *runner) measure(p path, round int, measure func(p path, b running, round int) error) error {
	b, err := p.start(r)
	if err != nil {
		return err
	}
	end := func() error { return nil }
	if own, ok := b.(box); ok && own.ownThreads && r.o.Profiles != "" {
		if end, err = profile(filepath.Join(r.o.Profiles, p.name+".pprof")); err != nil {
			return errors.Join(err, b.close())
		}
	}
	return errors.Join(measure(p, b, round), end(), b.close())
}

// profile notes where this process, which is the box, spends its time, until end is called.
func profile(file string) (end func() error, err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, err
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}
