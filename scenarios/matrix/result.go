// Package matrix runs tools against policies and says which blocks each of them gets through: the plan of cells, the labs that work
// through it, the proofs and controls of each cell, the result and its comparison with a kept one, and the reports.
package matrix

import "time"

// Status is what a cell comes to.
type Status string

// The statuses.
const (
	Open     Status = "open"     // the goal was reached through the tool, at a speed that is worth it
	Degraded Status = "degraded" // reached, but at less than a third of what the tool does without a box, or only in part of the tries
	Blocked  Status = "blocked"  // not reached, although the tool works without a box
	Leak     Status = "leak"     // traffic went past the tool: a flow to the site itself, or a question for its name
	Broken   Status = "broken"   // a control failed: the tool does not work without a box, or not with one that does nothing to it; an open name is not open; or no block is seen without the tool
	Skipped  Status = "skipped"  // not tried: a program is missing, or the tool does not carry this goal
)

// Result is what came of a matrix, of one shard of it, or of several that were merged. Its JSON form is published (schema.json) and
// its field names stay as they are.
type Result struct {
	Schema  string    `json:"schema"`  // "dpilab-matrix/1"
	Dpilab  string    `json:"dpilab"`  // the version of the program
	Started time.Time `json:"started"` // UTC
	Seconds float64   `json:"seconds"` // wall time; merged: of all shards together
	Seed    uint64    `json:"seed"`
	Repeat  int       `json:"repeat"`
	Shards  []string  `json:"shards,omitempty"`  // "2/4" each; none: the whole
	Partial bool      `json:"partial,omitempty"` // it was ended early: cells that it did not come to are skipped
	Labs    int       `json:"labs,omitempty"`    // at once
	Kernel  string    `json:"kernel"`
	Tools   []Tool    `json:"tools"` // in the order of the plan
	Phases  []Phase   `json:"phases"`
	Cells   []Cell    `json:"cells"` // tool by tool, in the order of Tools and Phases
}

// Tool is a row.
type Tool struct {
	Name    string   `json:"name"`
	About   string   `json:"about"`
	Link    string   `json:"link,omitempty"`
	Version string   `json:"version,omitempty"`
	Missing []string `json:"missing,omitempty"` // why it was skipped
}

// Phase is a column: a policy in a scenario, and what was seen there without any tool in the same run.
type Phase struct {
	Scenario string  `json:"scenario"`
	Name     string  `json:"name"`
	Policy   string  `json:"policy"`
	Date     string  `json:"date"`
	About    string  `json:"about"`            // of the policy
	Chance   bool    `json:"chance"`           // the policy has rules that hit by chance
	Proofs   []Proof `json:"proofs"`           // what had to be blocked, and the controls that had to be open
	Broken   string  `json:"broken,omitempty"` // which proof failed
}

// Proof is a probe that was tried with the box and without a tool.
type Proof struct {
	Probe    string `json:"probe"`
	Control  bool   `json:"control"`
	Expected string `json:"expected"`
	Outcome  string `json:"outcome"`
	Held     bool   `json:"held"`
}

// Cell is a tool against a phase.
type Cell struct {
	Tool     string `json:"tool"`
	Policy   string `json:"policy"`
	Scenario string `json:"scenario"`
	Phase    string `json:"phase"`
	Goal     string `json:"goal,omitempty"` // the probe
	Status   Status `json:"status"`
	Why      string `json:"why,omitempty"` // one line: what hit which flow, what is missing, which control failed, what leaked

	Reached  int         `json:"reached"` // tries that reached the goal at full speed
	Tries    int         `json:"tries"`
	Flakes   int         `json:"flakes"`             // tries of the minority
	Interval *[2]float64 `json:"interval,omitempty"` // 95 % (Wilson) for the share of reached tries; with Chance, or flakes

	Handshake Spread `json:"handshake_ms"`
	FirstByte Spread `json:"first_byte_ms"`
	Goodput   Spread `json:"goodput_bps"`   // payload, bits a second
	Reference Spread `json:"reference_bps"` // the same tool without a box
	Direct    Spread `json:"direct_bps"`    // without a tool and without a box

	Runs []Run `json:"runs,omitempty"`
}

// Spread is of the tries that reached the goal. The zero value: none did.
type Spread struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
}

// Run is one try of a cell.
type Run struct {
	Seed      uint64   `json:"seed"`
	Outcome   string   `json:"outcome"` // "ok", "reset after ClientHello (12 ms)"
	Kind      string   `json:"kind"`    // the outcome's word
	Handshake float64  `json:"handshake_ms,omitempty"`
	FirstByte float64  `json:"first_byte_ms,omitempty"`
	Goodput   float64  `json:"goodput_bps,omitempty"`
	Hits      []Hit    `json:"hits,omitempty"`
	Leaks     []string `json:"leaks,omitempty"`
	Flows     []Flow   `json:"flows,omitempty"` // what crossed the box's link
	Log       string   `json:"log,omitempty"`   // of the tool; kept where the run was not ok, and of the first run
	Kept      string   `json:"kept,omitempty"`  // folder of captures and events, relative to the result's file
}

// Hit is a rule that did something to a flow.
type Hit struct {
	MS        float64 `json:"ms"`
	Rule      string  `json:"rule"`
	Policy    string  `json:"policy"`
	Mechanism string  `json:"mechanism"` // in words
	Source    string  `json:"source"`
	Flow      string  `json:"flow"` // "tcp 198.51.100.2:40112 → 203.0.113.34:443"
	Name      string  `json:"name,omitempty"`
	Packet    uint32  `json:"packet"` // of the flow, from 1
}

// Flow is a 5-tuple on the box's link. Packets are kept of the first run and of the first that failed, at most 60 a flow.
type Flow struct {
	Transport string   `json:"transport"`
	Client    string   `json:"client"`
	Server    string   `json:"server"`
	To        string   `json:"to"` // the lab's host
	Up        int      `json:"up"` // packets as the client sent them, all
	Down      int      `json:"down"`
	UpBytes   int64    `json:"up_bytes"`
	DownBytes int64    `json:"down_bytes"`
	Dropped   int      `json:"dropped"` // by the box
	Packets   []Packet `json:"packets,omitempty"`
}

// Packet is one packet at the box.
type Packet struct {
	MS     float64 `json:"ms"`
	Up     bool    `json:"up"`
	Length int     `json:"len"`           // of the IP packet
	What   string  `json:"what"`          // "SYN", "ClientHello twitter.com", "data 1200"
	Did    string  `json:"did,omitempty"` // "": passed; dropped, rewritten, sent (by the box itself), held
	Rule   string  `json:"rule,omitempty"`
}
