package replay

import (
	"context"
	"errors"
	"hash/maphash"
	"io"
	"math"
	"time"

	"dpilab/dpi"
	"dpilab/dpi/packet"
	"dpilab/rules"
)

// box is what run needs of dpi.Engine.
type box interface {
	Handle(now time.Duration, p dpi.Packet, out []dpi.Verdict) []dpi.Verdict
	Advance(now time.Duration, out []dpi.Verdict) []dpi.Verdict
}

// run is one capture on its way through the box.
type run struct {
	o        *Options
	from     source
	engine   box
	out      *output
	flows    *flows
	namers   namers
	twice    twice
	links    links
	report   *Report
	repairs  [2]repair
	ruleOf   map[*rules.Rule]int // index into report.Rules
	verdicts []dpi.Verdict
	events   []dpi.Event // of the call at hand
	held     map[uint32]*heldPacket

	begun  bool
	base   int64         // capture time at the clock's 0
	clock  time.Duration // the box's
	at     heldPacket    // the packet at hand
	p      packet.Packet
	fed    []byte
	frame  []byte
	passed time.Duration // what the box was told last
}

// heldPacket is one that the box keeps.
type heldPacket struct {
	flow   *flow
	dir    rules.Direction
	record record
	at     int // offset of the IP packet in the frame
	fed    int // bytes of it that the box got
	cut    bool
	since  time.Duration // box's clock, when it came
}

func newRun(from source, o *Options, repairs [2]repair) *run {
	x := &run{
		o: o, from: from, out: newOutput(o.Out, from, o.PCAPNG), flows: newFlows(o.Flows, o.Inside), repairs: repairs,
		ruleOf: map[*rules.Rule]int{}, held: map[uint32]*heldPacket{}, links: newLinks(), twice: twice{seed: maphash.MakeSeed()},
		report: &Report{
			Format: from.format(), Policy: o.Policy.Policy.Name, Date: o.Policy.Policy.Date, Seed: o.Seed, Checksums: o.Checksums.String(),
			Untouched: map[string]int{}, Rules: []RuleTotal{}, Flows: []*Flow{}, Notes: []string{}, Caveat: Caveat,
		},
	}
	x.flows.onGone = x.gone
	x.engine = dpi.New(dpi.Options{Policy: o.Policy, Seed: o.Seed, OnEvent: func(e *dpi.Event) { x.events = append(x.events, *e) }})
	return x
}

// all reads the capture to its end.
func (x *run) all(ctx context.Context) error {
	var r record
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := x.from.next(&r); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if !r.packet {
			x.out.other(&r)
			continue
		}
		x.packet(&r)
	}
}

// packet takes one packet of the capture.
func (x *run) packet(r *record) {
	t := &x.report.Totals
	t.Packets++
	t.Bytes += uint64(r.length)
	link := x.from.interfaces()[r.face].link
	if !x.o.wanted(x.from.interfaces(), r.face) {
		t.Other++
		x.out.untouched(r, nil)
		return
	}
	now := x.time(r)
	at, _ := above(link, r.frame)
	if at < 0 {
		if understood(link) {
			t.NotIP++
		} else {
			t.Unknown++
		}
		x.out.untouched(r, nil)
		return
	}
	data, cut := prepare(x.fed, r.frame[at:], r.length-len(r.frame))
	x.fed = data
	f, dir, crosses := x.place(data)
	if !crosses {
		t.Beside++
		x.out.untouched(r, nil)
		return
	}
	x.pass(now)
	x.count(r, f, dir, data, cut)
	if f != nil {
		f.face = r.face
		f.link[sideIndex(dir)] = x.links.index(r.frame[:at])
		x.twice.add(&x.p, r.face, f.link[sideIndex(dir)])
		if mend(&x.p, x.repairs[sideIndex(dir)], cut) {
			t.Mended++
		}
		if dir == f.opener() {
			x.namers.look(f, &x.p)
		}
	}
	id := uint32(r.number)
	x.verdicts = x.engine.Handle(now, dpi.Packet{ID: id, Dir: dir, Data: data}, x.verdicts[:0])
	x.at = heldPacket{flow: f, dir: dir, record: *r, at: at, fed: len(data), cut: cut, since: now}
	x.settle(&x.at, id)
}

// place finds the flow of an IP packet. One that cannot be read has none, and goes up (choice).
func (x *run) place(data []byte) (f *flow, dir rules.Direction, crosses bool) {
	if err := x.p.Decode(data); err != nil && !errors.Is(err, packet.ErrTransport) {
		x.report.Totals.Broken++
		return nil, rules.Up, true
	}
	f, dir, crosses = x.flows.of(&x.p)
	if f != nil && f.Transport == "" {
		f.begin(x.clock)
	}
	return f, dir, crosses
}

func (x *run) count(r *record, f *flow, dir rules.Direction, data []byte, cut bool) {
	t := &x.report.Totals
	t.Box++
	if cut {
		t.Cut++
	}
	if len(data) > 1500 {
		t.Large++
	}
	if f == nil {
		return
	}
	w := f.traffic(dir)
	w.Packets++
	w.Bytes += uint64(len(x.p.Data))
}

// time moves the box's clock to a packet.
func (x *run) time(r *record) time.Duration {
	if !r.timed {
		return x.clock
	}
	if !x.begun {
		x.begun, x.base = true, r.time
		x.report.Start = time.Unix(0, r.time).UTC().Format(time.RFC3339Nano)
	}
	const latest = math.MaxInt64 / 4 // 73 years; the box adds its timeouts to the clock
	since := r.time - x.base
	if (r.time >= x.base) != (since >= 0) || since > latest {
		since = latest // it does not fit
	}
	if now := time.Duration(since); now >= x.clock {
		x.clock = now
	} else {
		x.report.Totals.Earlier++
	}
	return x.clock
}
