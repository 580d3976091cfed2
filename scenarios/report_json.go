package scenarios

import (
	"encoding/json"
	"io"
	"math"
	"time"

	"dpilab/dpi/nfq"
	"dpilab/lab/probe"
)

// The types of the JSON report. The names of the fields stay as they are; new ones may come.
type (
	jsonReport struct {
		Scenario string      `json:"scenario"`
		About    string      `json:"about"`
		Lab      string      `json:"lab"`
		Seed     uint64      `json:"seed"`
		Started  time.Time   `json:"started"`
		MS       float64     `json:"ms"`
		OK       bool        `json:"ok"`
		Summary  jsonSummary `json:"summary"`
		Phases   []jsonPhase `json:"phases"`
		Probes   []jsonProbe `json:"probes"`
	}
	jsonSummary struct {
		Tried      int `json:"tried"`
		AsExpected int `json:"as_expected"`
		Skipped    int `json:"skipped"`
	}
	jsonPhase struct {
		Phase   string   `json:"phase"`
		Date    string   `json:"date"`
		Policy  string   `json:"policy"`
		Removed []string `json:"removed,omitempty"` // from the national resolver
		MS      float64  `json:"ms"`
		Box     jsonBox  `json:"box"` // packets; of the first one, where there are several

		Boxes map[string]jsonBox `json:"boxes,omitempty"` // where there are several
	}
	jsonBox struct {
		Queued        uint64 `json:"queued"`         // went through the engine
		OffloadedPass uint64 `json:"offloaded_pass"` // passed by the kernel alone, large segments counted once
		OffloadedDrop uint64 `json:"offloaded_drop"`
		Accepted      uint64 `json:"accepted"`
		Dropped       uint64 `json:"dropped"`
		Rewritten     uint64 `json:"rewritten"`
		Overflowed    uint64 `json:"overflowed"`
	}
	jsonProbe struct {
		Probe   string       `json:"probe"`
		Kind    string       `json:"kind"`
		Target  string       `json:"target"`
		Control bool         `json:"control,omitempty"`
		Results []jsonResult `json:"results"` // only of the phases in which it was tried
	}
	jsonResult struct {
		Phase      string      `json:"phase"`
		AsExpected bool        `json:"as_expected"`
		Expected   string      `json:"expected"` // in the words of the scenario file, alternatives joined by " or "
		Got        string      `json:"got"`      // in words
		Outcome    jsonOutcome `json:"outcome"`
		Why        *jsonWhy    `json:"why,omitempty"`
	}
	jsonOutcome struct {
		Kind      string        `json:"kind"`            // ok, nxdomain, refused, reset, silent ...
		Stage     string        `json:"stage,omitempty"` // what the client had last done
		MS        float64       `json:"ms"`              // from that to what happened; ok: from the start to the end
		Bytes     int64         `json:"bytes,omitempty"` // stalled: bytes that came
		Detail    string        `json:"detail,omitempty"`
		Addresses []string      `json:"addresses,omitempty"`
		Host      string        `json:"host,omitempty"` // the lab's host that has the first address
		Transfer  *jsonTransfer `json:"transfer,omitempty"`
		Media     *jsonMedia    `json:"media,omitempty"`
		Hops      []string      `json:"hops,omitempty"`
	}
	jsonTransfer struct {
		Bytes       int64   `json:"bytes"`
		BitsPerSec  float64 `json:"bits_per_second"`
		LineBits    float64 `json:"line_bits_per_second,omitempty"`
		LinePercent float64 `json:"line_percent,omitempty"`
		Tries       int     `json:"tries"` // a rate that is not as expected is measured up to three times
	}
	jsonMedia struct {
		Sent        int     `json:"sent"`
		Received    int     `json:"received"`
		LossPercent float64 `json:"loss_percent"`
		JitterMS    float64 `json:"jitter_ms"`
	}
	jsonWhy struct {
		Rule      string `json:"rule,omitempty"`
		Policy    string `json:"policy,omitempty"`
		Mechanism string `json:"mechanism,omitempty"`
		Source    string `json:"source,omitempty"`
		Name      string `json:"name,omitempty"`
		Packet    uint32 `json:"packet,omitempty"`
		Flow      string `json:"flow,omitempty"`
		Removed   string `json:"removed,omitempty"` // the name taken out of the national resolver
	}
)

func boxOf(c nfq.Counters) jsonBox {
	return jsonBox{
		Queued: c.Received, OffloadedPass: c.OffloadedPass, OffloadedDrop: c.OffloadedDrop,
		Accepted: c.Accepted, Dropped: c.Dropped, Rewritten: c.Rewritten, Overflowed: c.Overflowed,
	}
}

// WriteJSON writes the report as JSON.
func (r *Report) WriteJSON(w io.Writer) error {
	s := r.Summary()
	j := jsonReport{
		Scenario: r.Scenario, About: r.About, Lab: r.Lab, Seed: r.Seed, Started: r.Started.UTC(), MS: millis(r.Took),
		OK: r.OK(), Summary: jsonSummary(s), Phases: []jsonPhase{}, Probes: []jsonProbe{},
	}
	for _, p := range r.Phases {
		phase := jsonPhase{Phase: p.Name, Date: p.Date, Policy: p.Policy, Removed: p.Removed, MS: millis(p.Took)}
		for i, b := range p.Boxes {
			if i == 0 {
				phase.Box = boxOf(b.Counters)
			}
			if len(p.Boxes) > 1 {
				if phase.Boxes == nil {
					phase.Boxes = map[string]jsonBox{}
				}
				phase.Boxes[b.Box] = boxOf(b.Counters)
			}
		}
		j.Phases = append(j.Phases, phase)
	}
	for _, p := range r.Probes {
		row := jsonProbe{Probe: p.Name, Kind: string(p.Type), Target: p.Target, Control: p.Control, Results: []jsonResult{}}
		for i, c := range p.Cells {
			if c.Tried {
				row.Results = append(row.Results, jsonResult{
					Phase: r.Phases[i].Name, AsExpected: c.AsExpected, Expected: c.Expected.String(), Got: c.Outcome.String(),
					Outcome: jsonOf(c.Outcome), Why: c.Why.json(),
				})
			}
		}
		j.Probes = append(j.Probes, row)
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(j)
}

func jsonOf(o probe.Outcome) jsonOutcome {
	j := jsonOutcome{
		Kind: string(o.Kind), Stage: string(o.Stage), MS: millis(o.After), Bytes: o.Bytes, Detail: o.Detail, Host: o.Host, Hops: o.Hops,
	}
	for _, a := range o.Addrs {
		j.Addresses = append(j.Addresses, a.String())
	}
	if t := o.Transfer; t != nil {
		j.Transfer = &jsonTransfer{Bytes: t.Bytes, BitsPerSec: math.Round(t.Rate), LineBits: t.Line, LinePercent: tenth(t.Share()), Tries: t.Tries}
	}
	if m := o.Media; m != nil {
		j.Media = &jsonMedia{Sent: m.Sent, Received: m.Received, LossPercent: tenth(m.Loss()), JitterMS: millis(m.Jitter)}
	}
	return j
}

func (w *Why) json() *jsonWhy {
	if w == nil {
		return nil
	}
	j := jsonWhy(*w)
	return &j
}

func millis(d time.Duration) float64 { return math.Round(float64(d)/1e4) / 100 }

func tenth(f float64) float64 { return math.Round(f*10) / 10 }
