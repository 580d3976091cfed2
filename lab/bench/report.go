package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
)

// Report is what a run gave.
type Report struct {
	Machine Machine            `json:"machine"`
	Rounds  int                `json:"rounds"`
	Seconds float64            `json:"seconds"` // that each path was loaded for in a round
	Domains int                `json:"domains"` // in the large policy
	Rows    []Row              `json:"rows"`
	Ratios  map[string]float64 `json:"ratios"` // a ratio is the median of those of each round
	Targets map[string]Target  `json:"targets"`
	Missed  []string           `json:"missed"`   // ratios that do not reach their target
	LeftOut []Remark           `json:"left_out"` // what was not measured
	Notes   []Remark           `json:"notes"`    // what is to be known of figures
	Failed  []Remark           `json:"failed"`   // what came out wrong: its figures say nothing
	order   []string           // of Ratios
}

// Remark says something about a row, or a path that should have given some.
type Remark struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// OK tells whether everything that was measured worked as it should. A missed target is not a failure.
func (r *Report) OK() bool { return len(r.Failed) == 0 }

// WriteJSON writes the report as one object.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// WriteTable writes the report for people: a line a row, then a line a ratio with its target beside it.
func (r *Report) WriteTable(w io.Writer) error {
	fmt.Fprintf(w, "%s, %d rounds of %s s\n\n", r.Machine, r.Rounds, number(r.Seconds))
	cells := [][]string{{"", "min", "median", "max", ""}}
	for _, row := range r.Rows {
		cells = append(cells, []string{row.Name, number(row.Min), number(row.Median), number(row.Max), row.Unit})
	}
	writeColumns(w, cells)
	cells = nil
	for _, name := range r.order {
		line := []string{name, number(r.Ratios[name]), "", "", ""}
		if target, ok := r.Targets[name]; ok {
			line[4], line[2] = "target: "+target.String(), "met"
			if !target.Met(r.Ratios[name]) {
				line[2] = "MISSED"
			}
		}
		cells = append(cells, line)
	}
	if len(cells) > 0 {
		fmt.Fprintln(w)
		writeColumns(w, cells)
	}
	for _, part := range []struct {
		word string
		all  []Remark
	}{{"left out", r.LeftOut}, {"note", r.Notes}, {"FAILED", r.Failed}} {
		for i, x := range part.all {
			if i == 0 {
				fmt.Fprintln(w)
			}
			fmt.Fprintf(w, "%s: %s: %s\n", x.Name, part.word, strings.ReplaceAll(x.Text, "\n", "; "))
		}
	}
	return nil
}

// writeColumns writes five columns: the first and the last to the left, the others to the right.
func writeColumns(w io.Writer, lines [][]string) {
	var wide [5]int
	for _, line := range lines {
		for i, cell := range line {
			wide[i] = max(wide[i], len(cell))
		}
	}
	for _, c := range lines {
		line := fmt.Sprintf("%-*s  %*s  %*s  %*s  %s", wide[0], c[0], wide[1], c[1], wide[2], c[2], wide[3], c[3], c[4])
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
}

// number gives three significant digits, and whole numbers from a hundred on.
func number(v float64) string {
	switch a := math.Abs(v); {
	case v == math.Trunc(v) || a >= 100:
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	case a >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}
