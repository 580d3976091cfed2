package bench

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"dpilab/lab"
)

// reloadRate is how many connections a second are wanted while policies change; a machine may make fewer.
const reloadRate = 10_000

// reloadWorkers are enough for that rate, and no more: those that wait for a processor would make every connection late (choice).
const reloadWorkers = 8

// reload measures what connections notice of a large policy that is read and put in place of another, again and again.
func (r *runner) reload() error {
	first, err := r.policies.file(r.o.Domains)
	if err != nil {
		return err
	}
	second, err := writePolicyFrom(r.folder, r.o.Domains, r.o.Domains, "other-"+policyName(r.o.Domains))
	if err != nil {
		return err
	}
	files := [2]string{first, second}
	long := max(4*r.o.Duration, 3*time.Second) // some reloads must fit in
	load := func() (answer, error) {
		return r.client.ask(r.ctx, job{
			Kind: "connections", To: serverAddr, For: long, Workers: reloadWorkers, Rate: reloadRate, Names: namesFrom(3*r.o.Domains, openNames),
		})
	}
	paths := []path{
		boxPath("reload_still", r.large, lab.BoxOptions{}),
		boxPath("reload", r.large, lab.BoxOptions{}),
	}
	err = r.rounds(r.aloneRounds(), paths, func(p path, b running, round int) error {
		var x answer
		var err error
		if p.name == "reload" {
			x, err = r.whileReloading(b.(box).Box, files, round, load)
		} else {
			x, err = load()
		}
		if err != nil {
			return err
		}
		if x.Done == 0 {
			return fmt.Errorf("no connection worked: %v", x.Why)
		}
		r.samples.set(p.name+"_connections", "connections/s", round, perSecond(x))
		r.samples.set(p.name+"_p99", "ms", round, x.Times.P99/1000)
		r.samples.set(p.name+"_max", "ms", round, x.Times.Max/1000)
		r.samples.set(p.name+"_lost", "connections", round, float64(x.Failed))
		return nil
	})
	if err != nil {
		return err
	}
	v, ok := r.samples.median("reload_p99")
	r.ratio("reload_p99_ms", v, ok)
	if lost := known(r.samples.by["reload_lost"]); len(lost) > 0 {
		r.ratio("reload_lost", slices.Max(lost), true)
	}
	return nil
}

// whileReloading makes the load while the two policies take turns, and proves that flows keep the verdict that they had and new ones
// get that of the policy in place.
func (r *runner) whileReloading(b *lab.Box, files [2]string, round int, load func() (answer, error)) (answer, error) {
	inFirst, inSecond := nameAt(7), nameAt(r.o.Domains+7)
	// Under the first policy one name is open and the other is not; those two connections stay.
	if _, err := r.prober.ask(r.ctx, job{Kind: "hold", To: serverAddr, Names: []string{inSecond, inFirst}}); err != nil {
		return answer{}, err
	}
	type loaded struct {
		x   answer
		err error
	}
	done := make(chan loaded, 1)
	go func() {
		x, err := load()
		done <- loaded{x, err}
	}()
	// Even after an error the load is waited for: its agent does one job at a time.
	turns, err := 0, error(nil)
	for {
		select {
		case l := <-done:
			if err == nil && turns < 2 {
				err = errors.New("the policy was not read twice in the time that the load took: use a longer --duration")
			}
			return l.x, errors.Join(l.err, err)
		default:
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		turns++
		err = r.turn(b, files[turns%2], turns%2 == 0, inFirst, inSecond, round)
	}
}

// turn reads a policy, puts it in place, and tries who gets through.
func (r *runner) turn(b *lab.Box, file string, first bool, inFirst, inSecond string, round int) error {
	start := time.Now()
	c, err := compile(file)
	if err != nil {
		return err
	}
	read := time.Since(start)
	if err := b.SetPolicy(c); err != nil {
		return err
	}
	r.samples.set("reload_read", "s", round, read.Seconds())
	held, err := r.prober.ask(r.ctx, job{Kind: "held"})
	if err != nil {
		return err
	}
	if !held.Open[0] || held.Open[1] {
		return fmt.Errorf("flows did not keep their verdict: the one that was let be goes on: %v; the one that was blocked is: %v (%v)",
			held.Open[0], !held.Open[1], held.Why)
	}
	x, err := r.prober.ask(r.ctx, job{Kind: "try", To: serverAddr, Names: []string{inFirst, inSecond}})
	if err != nil {
		return err
	}
	if x.Open[0] == first || x.Open[1] != first {
		return fmt.Errorf("new flows do not get the verdict of the policy in place: %v (%v)", x.Open, x.Why)
	}
	return nil
}
