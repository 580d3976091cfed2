package scenarios

import (
	"encoding/json"
	"io"
	"sync"

	"dpilab/dpi"
)

// Event is a line of an event file: something that a box did to a packet. The names of the fields stay as they are.
type Event struct {
	Phase     string  `json:"phase"`
	Box       string  `json:"box"`
	MS        float64 `json:"ms"`   // the box's clock, from the start of the phase; what was skipped counts
	Kind      string  `json:"kind"` // hit (once a flow), drop, rewrite, freeze, ban, send
	Probe     string  `json:"probe,omitempty"`
	Transport string  `json:"transport"`
	Inside    string  `json:"inside"`
	Outside   string  `json:"outside"`
	Direction string  `json:"direction"` // up or down
	Packet    uint32  `json:"packet"`    // its number in the flow, from 1
	Bytes     int     `json:"bytes"`     // of the IP packet as it came in
	Name      string  `json:"name,omitempty"`
	Rule      string  `json:"rule"`
	Policy    string  `json:"policy"` // that the rule was written in
	Mechanism string  `json:"mechanism"`
	Learnt    bool    `json:"learnt,omitempty"` // the server had been learnt before
	Held      bool    `json:"held,omitempty"`   // a rule had hit another flow between its ends, or to its server
	Source    string  `json:"source"`
}

func newEvent(phase, box, name string, e dpi.Event) Event {
	return Event{
		Phase: phase, Box: box, MS: float64(e.Time.Microseconds()) / 1000, Kind: e.Kind.String(), Probe: name,
		Transport: e.Flow.TransportName(), Inside: e.Flow.Inside.String(), Outside: e.Flow.Outside.String(),
		Direction: e.Dir.String(), Packet: e.Packet, Bytes: e.Length, Name: e.Name, Learnt: e.Learnt, Held: e.Held,
		Rule: e.Rule.Name, Policy: e.Rule.Policy, Mechanism: e.Rule.Do.Mechanism.String(), Source: e.Rule.Source.String(),
	}
}

// eventLog writes events on a goroutine of its own, so that the box does not wait for a disk.
type eventLog struct {
	wake chan struct{} // nil: nobody wants events
	done chan error

	mu      sync.Mutex
	pending []Event
	ended   bool
}

func newEventLog(w io.Writer) *eventLog {
	l := &eventLog{}
	if w == nil {
		return l
	}
	l.wake, l.done = make(chan struct{}, 1), make(chan error, 1)
	go func() { l.done <- l.write(json.NewEncoder(w)) }()
	return l
}

func (l *eventLog) add(e Event) {
	if l.wake == nil {
		return
	}
	l.mu.Lock()
	l.pending = append(l.pending, e)
	l.mu.Unlock()
	l.signal()
}

func (l *eventLog) signal() {
	select {
	case l.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// write writes until close. After an error it only takes events in.
func (l *eventLog) write(out *json.Encoder) error {
	var err error
	for range l.wake {
		l.mu.Lock()
		batch, ended := l.pending, l.ended
		l.pending = nil
		l.mu.Unlock()
		for _, e := range batch {
			if err == nil {
				err = out.Encode(e)
			}
		}
		if ended {
			break
		}
	}
	return err
}

// close waits until all is written.
func (l *eventLog) close() error {
	if l.wake == nil {
		return nil
	}
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	l.signal()
	return <-l.done
}
