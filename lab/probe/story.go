package probe

import (
	"fmt"
	"strings"
	"time"
)

// Step is something that happened while a probe was tried.
type Step struct {
	After time.Duration // since the start
	What  string
}

// story takes in what happens.
type story struct {
	start time.Time
	steps []Step
}

func (s *story) begin() { s.start = time.Now() }

func (s *story) add(format string, args ...any) {
	s.steps = append(s.steps, Step{time.Since(s.start), fmt.Sprintf(format, args...)})
}

// Story says what the client did and what came of it, a line each with the time since the start: the text for a test that failed.
//
//	 0.0 ms  asks 192.0.2.1:53 for twitter.com
//	 2.1 ms  resolved to 203.0.113.34 (x)
//	 2.2 ms  connects to 203.0.113.34:443
//	23.0 ms  connected, sends the ClientHello
//	44.2 ms  reset after ClientHello (21 ms)
func (o Outcome) Story() string {
	var b strings.Builder
	for _, s := range o.Steps {
		fmt.Fprintf(&b, "%9s  %s\n", Short(s.After), s.What)
	}
	if len(o.Steps) == 0 {
		b.WriteString(o.String() + "\n")
	}
	return b.String()
}
