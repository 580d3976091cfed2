package bench

import (
	"fmt"
	"time"

	"dpilab/dpi/nfq"
	"dpilab/lab"
	"dpilab/rules"
)

// segment is at least what a full packet of a stream holds; the kernel takes more than that in one only where nobody cuts it.
const segment = 1400

// bulk measures one flow that the box has decided to pass, and that the kernel keeps from then on.
func (r *runner) bulk() error {
	paths := []path{
		wirePath("bulk_wire"),
		boxPath("bulk_offloaded", r.large, lab.BoxOptions{}),
		boxPath("bulk_gonfqueue", r.large, lab.BoxOptions{Reader: nfq.GoNFQueue}),
		openGFWPath("bulk_opengfw", 1, false, true),
	}
	err := r.along(paths, func(p path, b running, round int) error {
		x, u, err := r.streamThrough(b)
		if err != nil {
			return err
		}
		if most := x.Bytes / segment / 10; int64(u.packets) > most+1000 {
			return fmt.Errorf("%d packets went through the engine: the kernel did not keep the flow", u.packets)
		}
		r.samples.set(p.name, "Gbit/s", round, gbit(x))
		return nil
	})
	if err != nil {
		return err
	}
	r.compare("bulk_offloaded_vs_wire", "bulk_offloaded", "bulk_wire", over)
	return nil
}

// queued measures one flow of which every packet goes through the engine: one that counts it, and so needs no more than its headers, and
// one that reads it whole.
func (r *runner) queued() error {
	counting := func(p *policies) (*rules.Compiled, error) { return p.counting() }
	paths := []path{
		boxPath("queued_dpilab", counting, lab.BoxOptions{Without: nfq.KernelAll}),
		boxPath("queued_names", r.large, lab.BoxOptions{Without: nfq.KernelAll}),
		boxPath("queued_gonfqueue", counting, lab.BoxOptions{Without: nfq.KernelAll, Reader: nfq.GoNFQueue}),
		openGFWPath("queued_opengfw", 1, false, false),
	}
	err := r.along(paths, func(p path, b running, round int) error {
		x, u, err := r.streamThrough(b)
		if err != nil {
			return err
		}
		// A packet holds 1,448 bytes; those on the way when the time was over are not in Bytes.
		if least := x.Bytes / 1460; int64(u.packets) < least {
			return fmt.Errorf("the engine saw %d packets, and %d at least went over the wire", u.packets, least)
		}
		r.samples.set(p.name, "Gbit/s", round, gbit(x))
		r.samples.set(p.name+"_cpu", "us/packet", round, micros(u.cpu)/float64(u.packets))
		return nil
	})
	if err != nil {
		return err
	}
	rate, ok := r.samples.median("queued_dpilab")
	r.ratio("queued_gbit", rate, ok)
	cpu, ok := r.samples.median("queued_dpilab_cpu")
	r.ratio("cpu_us_bulk", cpu, ok)
	r.compare("queued_vs_gonfqueue", "queued_dpilab", "queued_gonfqueue", over)
	r.compare("queued_vs_opengfw", "queued_dpilab", "queued_opengfw", over)
	return nil
}

// streamThrough takes a stream and says what the box did meanwhile.
func (r *runner) streamThrough(b running) (x answer, u usage, err error) {
	before, err := b.used()
	if err != nil {
		return x, u, err
	}
	if x, err = r.stream(); err != nil {
		return x, u, err
	}
	after, err := b.used()
	return x, after.since(before), err
}

// stream takes one stream from the server, to a name that is in no list.
func (r *runner) stream() (answer, error) {
	return r.client.ask(r.ctx, job{Kind: "bulk", To: serverAddr, For: r.o.Duration, Names: namesFrom(r.o.Domains, 1)})
}

// latency measures the time to and fro of small datagrams, each of which is queued, and again on its way back.
func (r *runner) latency() error {
	counting := func(p *policies) (*rules.Compiled, error) { return p.counting() }
	paths := []path{
		wirePath("latency_wire"),
		boxPath("latency_dpilab", counting, lab.BoxOptions{Without: nfq.KernelAll}),
		boxPath("latency_gonfqueue", counting, lab.BoxOptions{Without: nfq.KernelAll, Reader: nfq.GoNFQueue}),
		openGFWPath("latency_opengfw", 1, false, false),
	}
	err := r.along(paths, func(p path, b running, round int) error { return r.roundTrips(p.name, round) })
	if err != nil {
		return err
	}
	for _, q := range []string{"p50", "p99"} {
		r.compare("latency_added_"+q+"_us", "latency_dpilab_"+q, "latency_wire_"+q, above)
	}
	return nil
}

// roundTrips notes the times of datagrams to and fro.
func (r *runner) roundTrips(row string, round int) error {
	x, err := r.client.ask(r.ctx, job{Kind: "echo", To: serverAddr, For: r.o.Duration})
	if err != nil {
		return err
	}
	if x.Done == 0 || tooMany(x) {
		return fmt.Errorf("%d of %d datagrams did not come back", x.Failed, x.Failed+x.Done)
	}
	r.samples.set(row+"_p50", "us", round, x.Times.P50)
	r.samples.set(row+"_p99", "us", round, x.Times.P99)
	return nil
}

func gbit(x answer) float64 { return float64(x.Bytes) * 8 / 1e9 / x.Took.Seconds() }

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
