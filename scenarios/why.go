package scenarios

import (
	"strings"
	"sync"

	"dpilab/dpi"
	"dpilab/lab/probe"
	"dpilab/rules"
)

// Why is what blocked a probe: a rule of the box, or the national resolver.
type Why struct {
	Rule      string // "" when the resolver did it
	Policy    string // that the rule was written in
	Mechanism string // in words
	Source    string
	Name      string // the SNI, host or query that the deciding packet showed
	Packet    uint32 // the deciding packet's number in its flow
	Flow      string // transport, client, server
	Removed   string // the name that was taken out of the national resolver
}

// recorder takes in what a phase's box does.
type recorder struct {
	phase string
	log   *eventLog

	mu       sync.Mutex
	attempts []*attempt
	hits     []dpi.Event
	dropped  map[dpi.FlowID]bool // by rules that count
}

func (r *recorder) know(all []*attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attempts = all
}

// see takes an event in. It runs on the goroutine of the box.
func (r *recorder) see(box string, e dpi.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.touches(e) {
		r.hits = append(r.hits, e)
	}
	if r.log.wake == nil {
		return
	}
	name := ""
	for _, a := range r.attempts {
		if a != nil && a.owns(e.Flow) {
			name = a.Name
		}
	}
	r.log.add(newEvent(r.phase, box, name, e))
}

// touches tells whether an event is the first that says that a rule does something to a flow. Rules that count let flows be that they
// hit, most of them for good: of those it is the first drop.
func (r *recorder) touches(e dpi.Event) bool {
	switch e.Rule.Do.Mechanism {
	case rules.MechanismFreeze, rules.MechanismLimit:
		if e.Kind != dpi.EventDrop || r.dropped[e.Flow] {
			return false
		}
		if r.dropped == nil {
			r.dropped = map[dpi.FlowID]bool{}
		}
		r.dropped[e.Flow] = true
		return true
	}
	return e.Kind == dpi.EventHit
}

// cell says what came of a probe, whether that was expected, and why.
func (r *recorder) cell(a *attempt, p Phase, o probe.Outcome) Cell {
	c := Cell{Tried: true, Outcome: o, Expected: a.want, AsExpected: a.want.Hold(o)}
	if o.Kind == probe.Skipped || o.Kind == probe.OK && c.AsExpected {
		return c
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, hit := range r.hits {
		if explains(hit.Rule.Do.Mechanism, o.Kind) && r.caused(hit, a) {
			c.Why = whyOf(hit)
			return c
		}
	}
	if removed := removedFor(a, p.Remove); removed != "" && o.Kind == probe.NXDomain {
		c.Why = &Why{Removed: removed}
	}
	return c
}

// explains tells whether a mechanism can lead to such an outcome. A box that drops a flow makes no NXDOMAIN.
func explains(m rules.Mechanism, k probe.Kind) bool {
	return m != rules.MechanismPass && (k != probe.NXDomain || m == rules.MechanismRedirect || m == rules.MechanismAnswer)
}

// caused tells whether a hit is the probe's. A program's sockets are not known: what is nobody else's and goes where its
// words point to is taken to be its own.
func (r *recorder) caused(hit dpi.Event, a *attempt) bool {
	if a.Type != probe.TypeExec {
		return a.owns(hit.Flow)
	}
	for _, other := range r.attempts {
		if other != nil && other.owns(hit.Flow) {
			return false
		}
	}
	words := strings.Join(a.Argv, " ")
	if hit.Name != "" {
		return strings.Contains(words, hit.Name)
	}
	h := a.client.Lab().HostAt(hit.Flow.Outside.Addr())
	if h == nil {
		return false
	}
	for _, name := range h.Names {
		if strings.Contains(words, name) {
			return true
		}
	}
	return false
}

// removedFor gives the name whose removal took the probe's away.
func removedFor(a *attempt, removed []string) string {
	for _, r := range removed {
		host := strings.ToLower(a.Host)
		if a.Type == probe.TypeExec && strings.Contains(strings.Join(a.Argv, " "), r) ||
			host == strings.ToLower(r) || strings.HasSuffix(host, "."+strings.ToLower(r)) {
			return r
		}
	}
	return ""
}

func whyOf(e dpi.Event) *Why {
	do := &e.Rule.Do
	if e.Learnt && do.Then != nil {
		do = do.Then
	}
	w := &Why{
		Rule: e.Rule.Name, Policy: e.Rule.Policy, Mechanism: inWords(do), Source: e.Rule.Source.String(),
		Name: e.Name, Packet: e.Packet,
		Flow: e.Flow.String(),
	}
	if e.Learnt {
		w.Mechanism = "learnt, then " + w.Mechanism
	}
	return w
}
