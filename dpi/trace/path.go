package trace

import (
	"time"

	"dpilab/rules"
)

// End is an end of a Path.
type End uint8

// Client is the inside end. A packet that goes up enters at Client and comes out at Server.
const (
	Client End = iota
	Server
)

// Other gives the opposite end.
func (e End) Other() End { return e ^ 1 }

// Sent is a packet that goes into a Path.
type Sent struct {
	From  End
	After time.Duration // since the packet before it in the batch, or since the call
	Data  []byte        // from the IP header on; the caller's, only read during the call
}

// Output is a packet that came out of a Path.
type Output struct {
	At   End
	Data []byte // from the IP header on; the receiver's
}

// Path is a wire with boxes and routers on it, and two ends that have no IP stack. It belongs to one goroutine.
//
// Send puts a batch on the wire, in order and with its pauses, and returns when all of it is decided: what came out at either end by then,
// in the order in which it came out at that end. What boxes hold comes out of a later call. A path with real time sends a marker
// behind the batch, and knows that all before it is decided when the marker arrives. Errors are of the path, never of what
// happened to a packet.
type Path interface {
	Send(batch []Sent) ([]Output, error)
	Wait(d time.Duration) ([]Output, error)        // lets time pass
	SetPolicy(box string, c *rules.Compiled) error // of flows that open from now on; "" is the box without a name
	Power(box string, on bool) error               // a dead box is an open wire, or a closed one where its profile fails closed
	Close() error
}

// Watcher is a Path that knows which rules hit since the last call.
type Watcher interface {
	Hits() []string
}

// Setup is what a Path is built of.
type Setup struct {
	Elements []Element // from the client to the server
	Seed     uint64
	Done     <-chan struct{} // closed: nothing needs to be waited for any more. nil: never
}

// Element is a router or a box on the way.
type Element struct {
	Hop    bool            // takes one from the TTL
	Name   string          // of a box
	Policy *rules.Compiled // of a box
}

// Open builds a path for one run of a trace.
type Open func(Setup) (Path, error)

// hops is the number of routers of the path.
func (s Setup) hops() int {
	n := 0
	for _, e := range s.Elements {
		if e.Hop {
			n++
		}
	}
	return n
}

// elements is the trace's path.
func (t *Trace) elements() (all []Element) {
	for _, w := range t.way {
		if w.box == routers {
			for range w.hops {
				all = append(all, Element{Hop: true})
			}
			continue
		}
		all = append(all, Element{Name: w.box, Policy: t.boxes[w.box].compiled})
	}
	return all
}

// routers stands in place of a box's name.
const routers = "-"
