package scenarios

import "dpilab/dpi"

// EventOf gives an event of a box the form that event files have. It belongs to no probe.
func EventOf(phase, box string, e dpi.Event) Event { return newEvent(phase, box, "", e) }

// WhyOf says in words what a rule does to a flow that it hit.
func WhyOf(e dpi.Event) *Why { return whyOf(e) }
