package scenarios

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"dpilab/lab/probe"
)

// Expectation is what a probe should come to: one phrase of a scenario file.
type Expectation struct {
	Kind  probe.Kind  // what must have happened; "" for those below that only look at a measure
	Stage probe.Stage // reset, closed, silent, timeout: after what; "": whatever

	Measure   Measure // a number that must be in range
	Low, High float64 // the range, ends included; the open end of `>` and `<` is infinite
	Strict    bool    // `>` and `<`: the end itself is not in the range

	Host string     // resolved to: a host of the lab
	Addr netip.Addr // resolved to: an address
	Hops []string   // hops: the hosts and routers in their order

	text string
}

// Measure is a number that an expectation looks at.
type Measure string

// The measures.
const (
	MeasureNone  Measure = ""
	MeasureLoss  Measure = "loss"  // percent of a call's packets
	MeasureRate  Measure = "rate"  // percent of the line
	MeasureBytes Measure = "bytes" // where a transfer stalled
	MeasureHops  Measure = "hops"  // how many, the target counted
)

// String gives the phrase as it was written.
func (e Expectation) String() string { return e.text }

// Holds tells whether an outcome is what was expected.
func (e Expectation) Holds(o probe.Outcome) bool {
	switch {
	case e.Kind != "" && e.Kind != o.Kind, e.Stage != "" && e.Stage != o.Stage:
		return false
	case e.Host != "" && e.Host != o.Host:
		return false
	case e.Addr.IsValid() && !slices.Contains(o.Addrs, e.Addr):
		return false
	case len(e.Hops) > 0 && !slices.Equal(e.Hops, o.Hops):
		return false
	}
	value, measured := e.Measure.of(o)
	switch {
	case e.Measure == MeasureNone:
		return true
	case !measured:
		return false
	case e.Strict:
		return e.Low < value && value < e.High
	}
	return e.Low <= value && value <= e.High
}

func (m Measure) of(o probe.Outcome) (float64, bool) {
	switch m {
	case MeasureLoss:
		if o.Media != nil {
			return o.Media.Loss(), true
		}
	case MeasureRate:
		if o.Transfer != nil && o.Transfer.Line > 0 {
			return o.Transfer.Share(), true
		}
	case MeasureBytes:
		return float64(o.Bytes), o.Kind == probe.Stalled
	case MeasureHops:
		return float64(len(o.Hops)), o.Kind == probe.OK && len(o.Hops) > 0
	}
	return 0, false
}

// Expectations are alternatives: one of them must hold.
type Expectations []Expectation

// Hold tells whether an outcome is one of those expected.
func (all Expectations) Hold(o probe.Outcome) bool {
	return slices.ContainsFunc(all, func(e Expectation) bool { return e.Holds(o) })
}

// String is "silent after ClientHello or timeout".
func (all Expectations) String() string {
	words := make([]string, len(all))
	for i, e := range all {
		words[i] = e.text
	}
	return strings.Join(words, " or ")
}

// expectOK is what a control expects.
var expectOK = Expectations{{Kind: probe.OK, text: string(probe.OK)}}

// phraseError is an error in a phrase, and how many letters before the place of it.
type phraseError struct {
	offset int
	text   string
}

func (e *phraseError) Error() string { return e.text }

func phraseFail(offset int, format string, args ...any) error {
	return &phraseError{offset, fmt.Sprintf(format, args...)}
}
