package observations

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"dpilab/dpi/trace"
	"dpilab/internal/strictyaml"
)

// Row is one published observation.
type Row struct {
	ID         string   `json:"id"`
	Statement  string   `json:"statement"`
	Source     string   `json:"source"`
	Confidence string   `json:"confidence"` // P, P2, C, D, A or MEM; CONTRIBUTING.md says what they mean
	Behaviour  string   `json:"behaviour"`
	Date       string   `json:"date,omitempty"`
	Traces     []string `json:"traces,omitempty"`  // names of the traces that show it
	Proof      string   `json:"proof,omitempty"`   // what shows it instead: "scenario NAME" or "test PACKAGE NAME"
	Missing    string   `json:"missing,omitempty"` // why nothing does
	Virtual    Outcome  `json:"virtual"`
	Live       Outcome  `json:"live"`
	Forward    bool     `json:"clock_set_forward,omitempty"` // live, but instead of waiting the boxes' clocks are set forward
	NotLive    string   `json:"not_live,omitempty"`          // why it does not run live

	traces []*trace.Trace
}

// Outcome is how a row fared in one way to run it. The zero Outcome has not been run.
type Outcome string

// OutcomeNone is for rows that cannot be run that way.
const (
	OutcomeNotRun Outcome = "not run"
	OutcomeOK     Outcome = "ok"
	OutcomeFailed Outcome = "failed"
	OutcomeNone   Outcome = "no"
)

// Definite tells whether the row is one to reproduce: its confidence is P, P2, C or D.
func (r *Row) Definite() bool { return slices.Contains([]string{"P", "P2", "C", "D"}, r.Confidence) }

// elsewhere.yaml has the rows that no trace shows.
//
//go:embed elsewhere.yaml
var elsewhere []byte

// Table gives all rows in the order of their numbers, none of them run. The caller owns it. An error is of the files that ship.
func Table() ([]Row, error) {
	rows := map[string]*Row{}
	for _, name := range trace.Names() {
		t, err := trace.Find(name)
		if err != nil {
			return nil, err
		}
		for _, id := range t.IDs {
			if err := enter(rows, id, t); err != nil {
				return nil, err
			}
		}
	}
	if err := enterElsewhere(rows); err != nil {
		return nil, err
	}
	all := make([]Row, 0, len(rows))
	for _, r := range rows {
		all = append(all, *r)
	}
	slices.SortFunc(all, func(a, b Row) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}

// enter adds a trace to the row of id. The statement is that of the trace that bears the row's name alone.
func enter(rows map[string]*Row, id string, t *trace.Trace) error {
	r := rows[id]
	if r == nil {
		r = &Row{ID: id, Virtual: OutcomeNotRun, Live: OutcomeNone}
		rows[id] = r
	}
	if r.Statement == "" || t.Name == id {
		r.Statement, r.Source, r.Confidence, r.Behaviour, r.Date = t.About, t.Source, t.Confidence, t.Behaviour, t.Date
	}
	if t.About == "" || t.Source == "" || t.Confidence == "" {
		return fmt.Errorf("observations: the trace %s of %s has no about, source or confidence", t.Name, id)
	}
	r.Traces = append(r.Traces, t.Name)
	r.traces = append(r.traces, t)
	if ok, why := t.LiveWithoutWaits(); !ok {
		r.NotLive = why
		return nil
	}
	r.Live = OutcomeNotRun
	if ok, _ := t.Live(); !ok {
		r.Forward = true
	}
	return nil
}

// enterElsewhere adds the rows of elsewhere.yaml.
func enterElsewhere(rows map[string]*Row) error {
	n, err := strictyaml.Parse("elsewhere.yaml", elsewhere, "a list of observations")
	if err != nil {
		return err
	}
	items, err := n.Items("a list of observations")
	for _, item := range items {
		r := Row{Virtual: OutcomeNone, Live: OutcomeNone}
		if err := r.read(item); err != nil {
			return err
		}
		if rows[r.ID] != nil {
			return item.Fail("found %s, which is there already, here or as a trace", r.ID)
		}
		if r.Proof != "" {
			r.Live = OutcomeNotRun
		}
		rows[r.ID] = &r
	}
	return err
}

func (r *Row) read(n strictyaml.Node) error {
	fields, err := n.Fields("an observation", "id", "statement", "source", "confidence", "behaviour", "date", "proof", "missing")
	if err != nil {
		return err
	}
	if err := n.Require(fields, "observation", "id", "statement", "source", "confidence", "behaviour"); err != nil {
		return err
	}
	into := map[string]*string{
		"id": &r.ID, "statement": &r.Statement, "source": &r.Source, "confidence": &r.Confidence, "behaviour": &r.Behaviour, "date": &r.Date,
		"proof": &r.Proof, "missing": &r.Missing,
	}
	for _, f := range fields {
		if *into[f.Name], err = f.Prose("text"); err != nil {
			return err
		}
	}
	if (r.Proof == "") == (r.Missing == "") {
		return n.Fail("found %s, expected one of proof and missing", r.ID)
	}
	return nil
}
