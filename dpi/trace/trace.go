package trace

import (
	"net/netip"
	"time"

	"dpilab/internal/strictyaml"
	"dpilab/rules"
)

// Error is what is wrong with a trace, and where. Its message is one line.
type Error = strictyaml.Error

// Trace is a packet script. It is not changed by running it; any goroutine may.
type Trace struct {
	Name       string // the file's, without folder and ending
	File       string
	IDs        []string // of the observations that it shows
	About      string
	Source     string
	Confidence string
	Behaviour  string
	Date       string
	Seed       uint64
	Repeat     int // runs, with seed, seed+1 and so on; at least 1
	noLive     string

	ipv6   bool
	client netip.AddrPort // zero parts: the default
	server serverSpec
	way    []wayPoint
	boxes  map[string]policyRef // by name; "" is the box without one
	events []event
	lines  []string
}

// wayPoint is routers, or a box, of the path.
type wayPoint struct {
	hops int
	box  string
}

// serverSpec is how a server is named: by address, by a list of the policy, or by its port alone.
type serverSpec struct {
	addr netip.Addr
	list string
	more int    // addresses behind the first of the list
	port uint16 // 0: the default
	at   place  // for errors
}

// policyRef is a policy as it is named, and read.
type policyRef struct {
	policy   *rules.Policy
	compiled *rules.Compiled
}

// place is where a word stands.
type place struct{ line, column int }

// event is one line as it is carried out; lines of blocks come as often as they are carried out.
type event struct {
	line   int
	do     any // packets, pause, flowChange, policyChange or power
	expect *expectation
	groups []*group // of the blocks around it that expect something of it
	closes []*group // that end with this event
}

// group is one passage through a block that has an expectation.
type group struct {
	line   int
	expect *expectation
}

type pause struct{ d time.Duration }

type flowChange struct {
	name      string
	again     bool
	client    netip.AddrPort
	server    *serverSpec
	transport uint8
}

type policyChange struct {
	box    string
	policy policyRef
}

type power struct {
	box string
	on  bool
}

// maxEvents bounds what blocks are expanded to.
const maxEvents = 100_000

// liveBound is how long the waits of a trace may take together for it to run live.
const liveBound = 5 * time.Second

// Live tells whether the trace can run over a path with real time, and if not, why.
func (t *Trace) Live() (ok bool, why string) {
	if ok, why := t.LiveWithoutWaits(); !ok {
		return false, why
	}
	if d := t.Waits(); d >= liveBound {
		return false, "it waits " + d.String()
	}
	return true, ""
}

// LiveWithoutWaits tells the same of a path whose boxes' clocks are set forward instead of waiting.
func (t *Trace) LiveWithoutWaits() (ok bool, why string) {
	if t.noLive != "" {
		return false, t.noLive
	}
	if t.Repeat > 1 {
		return false, "it is repeated with other seeds"
	}
	return true, ""
}

// Waits is the time that one run takes in the trace's own words.
func (t *Trace) Waits() time.Duration {
	var sum time.Duration
	for _, e := range t.events {
		switch do := e.do.(type) {
		case pause:
			sum += do.d
		case *packets:
			sum += do.every * time.Duration(do.times)
		}
	}
	return sum
}
