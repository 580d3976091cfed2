package bench

import (
	"errors"
	"fmt"

	"dpilab/dpi/nfq"
	"dpilab/lab"
	"dpilab/rules"
)

// workers is how many connections are made at a time: enough to keep two processors busy (choice). With eight of them they were idle for a
// seventh of the time, and what a path costs did not show in full.
const workers = 32

// openNames is how many names connections go to by turns. None is in a list, and none is asked for so often that it is at hand.
const openNames = 1024

// names10 is the size of the small policy.
const names10 = 10

// wire measures the wire alone, by all that other benchmarks compare with it.
func (r *runner) wire() error {
	return r.along([]path{wirePath("wire")}, func(_ path, _ running, round int) error {
		c, err := r.connect()
		if err != nil {
			return err
		}
		r.samples.set("wire_connections", "connections/s", round, perSecond(c))
		b, err := r.stream()
		if err != nil {
			return err
		}
		r.samples.set("wire_bulk", "Gbit/s", round, gbit(b))
		return r.roundTrips("wire", round)
	})
}

// connections measures connections a second through boxes that decide by the name in the hello.
func (r *runner) connections() error {
	large := "connections_" + sizeName(r.o.Domains)
	paths := []path{
		wirePath("connections_wire"),
		rulesPath("connections_rules", small),
		boxPath("connections_10", small, lab.BoxOptions{}),
		boxPath(large, r.large, lab.BoxOptions{}),
		boxPath("connections_every", func(p *policies) (*rules.Compiled, error) { return p.every(r.o.Domains) }, lab.BoxOptions{}),
		boxPath("connections_gonfqueue", r.large, lab.BoxOptions{Reader: nfq.GoNFQueue}),
		openGFWPath("connections_opengfw_1", 1, false, true),
		openGFWPath("connections_opengfw_"+sizeName(r.openGFWList()), r.openGFWList(), true, true),
	}
	err := r.along(paths, func(p path, b running, round int) error {
		before, err := b.used()
		if err != nil {
			return err
		}
		x, err := r.connect()
		if err != nil {
			return err
		}
		after, err := b.used()
		if err != nil {
			return err
		}
		if round == 0 || round == r.o.Rounds-1 {
			if err := r.checkNames(p.name, b, round); err != nil {
				return err
			}
		}
		r.samples.set(p.name, "connections/s", round, perSecond(x))
		if u := after.since(before); u.packets > 0 {
			r.samples.set(p.name+"_cpu", "us/packet", round, micros(u.cpu)/float64(u.packets))
			r.samples.set(p.name+"_queued", "packets/connection", round, float64(u.packets)/float64(x.Done))
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.compare("connections_rules_vs_wire", "connections_rules", "connections_wire", over)
	r.compare("connections_every_vs_wire", "connections_every", "connections_wire", over)
	for _, other := range []string{"wire", "10", "gonfqueue", "opengfw_1", "opengfw_" + sizeName(r.openGFWList())} {
		r.compare(large+"_vs_"+other, large, "connections_"+other, over)
	}
	cpu, ok := r.samples.median(large + "_cpu")
	r.ratio("cpu_us_connections", cpu, ok)
	return nil
}

// openGFWList is the size of OpenGFW's large list.
func (r *runner) openGFWList() int { return min(openGFWDomains, r.o.Domains) }

// small and large give the policies of the two sizes.
func small(p *policies) (*rules.Compiled, error)             { return p.blocking(names10) }
func (r *runner) large(p *policies) (*rules.Compiled, error) { return p.blocking(r.o.Domains) }

// connect makes connections to names that are in no list.
func (r *runner) connect() (answer, error) {
	x, err := r.client.ask(r.ctx, job{
		Kind: "connections", To: serverAddr, For: r.o.Duration, Workers: workers, Names: namesFrom(r.o.Domains+100_000, openNames),
	})
	switch {
	case err != nil:
		return x, err
	case x.Done == 0:
		return x, fmt.Errorf("no connection worked; the last errors: %v", x.Why)
	case tooMany(x):
		return x, fmt.Errorf("%d of %d connections to names that are in no list failed: %v", x.Failed, x.Failed+x.Done, x.Why)
	}
	return x, nil
}

// checkNames proves that what was measured blocks: listed names, and what is under them, do not get through where there is a box; all
// others do, and where nothing decides every name. OpenGFW's engine decides beside the packets, and the server's reply is sometimes
// quicker: there one of the tries must be blocked, and the others are noted.
func (r *runner) checkNames(name string, b running, round int) error {
	blocks, tries := true, 1
	switch b.(type) {
	case bareWire, deadBox:
		blocks = false
	case *openGFW:
		tries = 5
	}
	for try := 1; ; try++ {
		through, err := r.tryListed(blocks, round)
		switch {
		case err != nil || !through:
			return err
		case try == tries:
			return errors.New("a connection to a listed name, or to one under it, got through: it is not blocked")
		}
		r.note(name, "some connections to listed names got through")
	}
}

// tryListed tells whether a listed name got through where such are blocked; an error, when another did not.
func (r *runner) tryListed(blocks bool, round int) (through bool, err error) {
	in, out := nameAt(0), nameAt(r.o.Domains+round) // the first is in all lists, even those of one name
	x, err := r.client.ask(r.ctx, job{Kind: "try", To: serverAddr, Names: []string{in, "www." + in, out, "www." + out}})
	if err != nil {
		return false, err
	}
	for i, open := range x.Open {
		listed := i < 2
		switch {
		case listed && blocks:
			through = through || open
		case !open:
			return false, fmt.Errorf("a connection to a name that is not blocked failed: %s", x.Why[i])
		}
	}
	return through, nil
}

// compare notes a ratio between two rows.
func (r *runner) compare(name, a, b string, combine func(a, b float64) float64) {
	v, ok := r.samples.pair(a, b, combine)
	r.ratio(name, v, ok)
}

// tooMany tells whether more failed than what a busy machine makes late: one of a thousand, and two (choice).
func tooMany(x answer) bool { return x.Failed > 2+x.Done/1000 }

func perSecond(x answer) float64 { return float64(x.Done) / x.Took.Seconds() }
