package nfq

import (
	"errors"
	"fmt"
	"time"

	"dpilab/rules"
)

// Reloader is an Engine whose policy may change while it runs; *dpi.Engine is one.
type Reloader interface {
	Engine
	SetPolicy(*rules.Compiled) // any goroutine; flows that are open keep the policy that they have
	Settled() bool             // nothing that the engine remembers is under another policy than the last one
}

// How long it takes until engines are asked again whether they have settled, at first and at most (choice).
const (
	settleFirst = 250 * time.Millisecond
	settleMost  = 4 * time.Second
)

// maxNeeds bounds the policies that the kernel decides by at once; when reloads come faster than flows end, it queues everything.
const maxNeeds = 8

// SetPolicy gives the engines, which must be Reloaders, another policy, and the kernel what follows from its Need. Flows that are open
// keep the old policy, so until the engines have settled the kernel drops only what each of the policies blocks, and queues
// what any of them needs. No packet passes unseen that a policy in force needs: the kernel learns of the new one before the engines. It
// waits as CopyWhole does. Any goroutine. When it fails, the old policy stays. After Run the engines alone get the policy.
func (d *Daemon) SetPolicy(c *rules.Compiled) error {
	var engines []Reloader
	for _, w := range d.workers {
		e, ok := w.engine.(Reloader)
		if !ok {
			return &Error{Kind: ErrConfig, What: fmt.Sprintf("nfq: the engine of worker %d keeps its policy: it is no Reloader", w.index)}
		}
		engines = append(engines, e)
	}
	need := c.Need()
	if need.Payload {
		if err := d.CopyWhole(); err != nil && !errors.Is(err, ErrClosed) {
			return err
		}
	}
	d.reloads.Lock()
	defer d.reloads.Unlock()
	if !d.ended() {
		if len(d.needs) >= maxNeeds {
			d.needs = []rules.Need{everything}
		}
		needs := append(d.needs, need)
		if err := d.decide(needs); err != nil {
			return err
		}
		d.needs = needs
	}
	for _, e := range engines {
		e.SetPolicy(c)
	}
	d.reload++
	if !d.settling && len(d.needs) > 1 && d.begin() {
		d.settling = true
		go d.settle()
	}
	return nil
}

// decide makes the kernel decide what is right under each of the needs.
func (d *Daemon) decide(needs []rules.Need) error {
	x := decide(d.config.Kernel, !d.rules.a.untold, needs)
	return d.rules.decide(&x)
}

// settle waits for the engines, and then has the kernel decide by the last need alone.
func (d *Daemon) settle() {
	defer d.runs.Done()
	for wait := settleFirst; ; wait = min(2*wait, settleMost) {
		select {
		case <-time.After(wait):
		case <-d.stopped:
			return
		}
		if d.settled() {
			return
		}
	}
}

// settled tells whether there is nothing more to wait for.
func (d *Daemon) settled() bool {
	d.reloads.Lock()
	reload := d.reload
	d.reloads.Unlock()
	all := true
	err := d.Each(func(_ int, e Engine) { all = all && e.(Reloader).Settled() })
	if err != nil || !all {
		return err != nil
	}
	d.reloads.Lock()
	defer d.reloads.Unlock()
	if d.reload != reload || d.ended() {
		return false
	}
	last := d.needs[len(d.needs)-1:]
	if d.decide(last) == nil { // otherwise what holds for all of them goes on to hold
		d.needs = last
	}
	d.settling = false
	return true
}

// release takes back what the kernel decides by itself, when nobody decides any more: it would forget that with the process, too.
func (d *Daemon) release() error {
	d.reloads.Lock()
	defer d.reloads.Unlock()
	return errors.Join(d.decide([]rules.Need{everything}), d.FlushSets())
}

func (d *Daemon) ended() bool {
	select {
	case <-d.stopped:
		return true
	default:
		return false
	}
}
