package bench

import (
	"fmt"
	"math"
	"net/netip"
	"runtime"
	"time"

	"dpilab/dpi"
	"dpilab/dpi/packet"
	"dpilab/lab"
	"dpilab/rules"
)

const (
	policedFlows = 20_000
	policedLive  = 100 // that the lab carries beside all else on two processors (choice)
	rateSlow     = 130_000 / 8
	rateFast     = 260_000 / 8 // bytes a second
	portSlow     = 5000
	portFast     = 5001
)

// policingPolicy polices all flows, each on its own, at two rates.
const policingPolicy = `policy: policing
date: 2026-01-01
about: all flows are policed, at two rates

rules:
  - rule: slow
    when: {port: 5000}
    do: {police: 130kbit, burst: 16KB}
    source: {ref: choice}
  - rule: fast
    when: {port: 5001}
    do: {police: 260kbit, burst: 16KB}
    source: {ref: choice}
`

// police measures how well flows are held to their rate when there are many: in an engine alone, at virtual time, and a few on the wire.
func (r *runner) police() error {
	c, err := r.policies.policing()
	if err != nil {
		return err
	}
	r.tell(0, "20,000 flows at virtual time", 2)
	x, err := r.alone(job{Kind: "police", Policy: r.policies.files["policing"], Count: policedFlows, For: 8 * time.Second})
	if err != nil {
		return err
	}
	r.samples.set("police_worst", "% off its rate", 0, x.Values["worst"])
	r.samples.set("police_packet", "ns", 0, x.Values["ns"])
	r.ratio("police_worst_percent", x.Values["worst"], true)

	policing := func(*policies) (*rules.Compiled, error) { return c, nil }
	return r.rounds(1, []path{boxPath("police_live", policing, lab.BoxOptions{})}, func(p path, b running, round int) error {
		worst, err := r.policeLive(3*time.Second, 4*time.Second) // the bucket that is full at first lasts two at most
		if err != nil {
			return err
		}
		r.samples.set("police_live_worst", "% off its rate", round, worst)
		r.ratio("police_live_worst_percent", worst, true)
		return nil
	})
}

// policeFlows polices Count flows at once for so long of the box's time, each offered at least twice what it may have, and gives the worst deviation
// of any from its rate in percent, the bucket that was full at the beginning left out.
func policeFlows(j job) (answer, error) {
	c, err := compile(j.Policy)
	if err != nil {
		return answer{}, err
	}
	e := dpi.New(dpi.Options{Policy: c})
	var sizes [3]int
	var packets [2][3]stranger // by rate and size
	most := 0
	for i, payload := range []int{1472, 548, 972} {
		sizes[i] = payload + 28
		most += sizes[i]
		for k, port := range []uint16{portSlow, portFast} {
			to := netip.AddrPortFrom(aloneServer.Addr(), port)
			packets[k][i] = packet.AppendUDP(nil, aloneClient, to, 64, make([]byte, payload))
		}
	}
	// Every flow sends in turn: the fast ones twice what they may, the slow ones four times.
	every := time.Duration(most) * time.Second / 3 / (2 * rateFast)
	settled := time.Hour + 2*time.Second // the full bucket is used up
	end := settled + j.For
	passed := make([]int, j.Count)
	runtime.LockOSThread()
	out, handled, start := make([]dpi.Verdict, 0, 8), 0, threadTime()
	for k, now := 0, time.Hour; now < end; k++ {
		for f := range passed {
			at := now + every*time.Duration(f)/time.Duration(j.Count)
			size := (k + f) % len(sizes)
			out = e.Handle(at, packets[f%2][size].from(f), out[:0])
			handled++
			if out[0].Action == dpi.Accept && at >= settled && at < end {
				passed[f] += sizes[size]
			}
		}
		now += every
	}
	took := threadTime() - start
	worst := 0.0
	for f, bytes := range passed {
		rate := float64([]int{rateSlow, rateFast}[f%2])
		worst = max(worst, math.Abs(float64(bytes)/j.For.Seconds()/rate-1))
	}
	if s := e.Stats(); s.Hit != uint64(j.Count) {
		return answer{}, fmt.Errorf("%d flows were policed, expected %d", s.Hit, j.Count)
	}
	return answer{Values: map[string]float64{"worst": 100 * worst, "ns": float64(took.Nanoseconds()) / float64(handled)}}, nil
}

// policeLive pours datagrams of many flows through the box, each at twice its rate, and compares what the server gets between two
// moments with the rate.
func (r *runner) policeLive(settle, measured time.Duration) (worst float64, err error) {
	sent := make(chan error, 1)
	go func() {
		_, err := r.client.ask(r.ctx, job{Kind: "pour", To: serverAddr, Count: policedLive, For: settle + measured + time.Second})
		sent <- err
	}()
	var counts [2]answer
	for i, wait := range []time.Duration{settle, measured} {
		select {
		case <-time.After(wait):
		case <-r.ctx.Done():
		}
		var err error
		if counts[i], err = r.server.ask(r.ctx, job{Kind: "poured"}); err != nil {
			return 0, err
		}
	}
	if err := <-sent; err != nil {
		return 0, err
	}
	flows := 0
	for port, bytes := range counts[1].Counts {
		got := bytes - counts[0].Counts[port]
		if got == 0 {
			continue // of an earlier time
		}
		flows++
		want := float64(rateSlow)
		if port>>16 == portFast {
			want = rateFast
		}
		worst = max(worst, 100*math.Abs(float64(got)/(counts[1].Took-counts[0].Took).Seconds()/want-1))
	}
	if flows != policedLive {
		return 0, fmt.Errorf("the server saw %d flows, expected %d", flows, policedLive)
	}
	return worst, nil
}
