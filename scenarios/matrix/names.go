package matrix

import (
	"fmt"
	"strings"

	"dpilab/internal/strictyaml"
)

// Statuses are all of them, the best first.
var Statuses = []Status{Open, Degraded, Blocked, Leak, Broken, Skipped}

// String names the cell: TOOL@POLICY, and where the phase has a name of its own, TOOL@SCENARIO/PHASE.
func (c *Cell) String() string { return c.Tool + "@" + columnName(c.Scenario, c.Phase, c.Policy) }

// String names the column as String of a Cell does.
func (p *Phase) String() string { return columnName(p.Scenario, p.Name, p.Policy) }

func columnName(scenario, phase, policy string) string {
	if phase == policy || phase == "" {
		return policy
	}
	return scenario + "/" + phase
}

// Cell finds a cell by its name: TOOL@POLICY, TOOL@PHASE or TOOL@SCENARIO/PHASE. The error says what there is.
func (r *Result) Cell(name string) (*Cell, error) {
	tool, column, ok := strings.Cut(name, "@")
	if !ok || tool == "" || column == "" {
		return nil, fmt.Errorf("cell %q: expected TOOL@POLICY, such as %s", name, r.example())
	}
	var tools, columns []string
	for i := range r.Tools {
		tools = append(tools, r.Tools[i].Name)
	}
	known, seen := false, map[string]bool{}
	var found []*Cell
	for i := range r.Cells {
		c := &r.Cells[i]
		if !seen[c.Policy] {
			columns = append(columns, c.Policy)
			seen[c.Policy] = true
		}
		known = known || c.Tool == tool
		if c.Tool == tool && (column == c.Policy || column == c.Phase || column == c.Scenario+"/"+c.Phase) {
			found = append(found, c)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		var names []string
		for _, c := range found {
			names = append(names, c.Tool+"@"+c.Scenario+"/"+c.Phase)
		}
		return nil, fmt.Errorf("cell %q is one of %d: %s", name, len(found), strictyaml.OrList(names))
	case !known:
		return nil, fmt.Errorf("cell %q: no tool of this result is called %q%s", name, tool, strictyaml.Suggest(tool, tools))
	}
	return nil, fmt.Errorf("cell %q: %s was not tried against %q%s", name, tool, column, strictyaml.Suggest(column, columns))
}

func (r *Result) example() string {
	if len(r.Cells) == 0 {
		return "curl@2026-home"
	}
	return r.Cells[0].String()
}

// Counts is how many cells came to what.
type Counts map[Status]int

// Count counts the cells of a tool; "" is for all.
func (r *Result) Count(tool string) Counts {
	n := Counts{}
	for i := range r.Cells {
		if tool == "" || r.Cells[i].Tool == tool {
			n[r.Cells[i].Status]++
		}
	}
	return n
}

// Tried is how many were not skipped.
func (n Counts) Tried() int {
	all := 0
	for s, k := range n {
		if s != Skipped {
			all += k
		}
	}
	return all
}

// String is the sum in words: "23 of 28 open, 3 blocked, 2 broken; 4 skipped".
func (n Counts) String() string {
	text := fmt.Sprintf("%d of %d open", n[Open], n.Tried())
	for _, s := range Statuses {
		if s != Open && s != Skipped && n[s] > 0 {
			text += fmt.Sprintf(", %d %s", n[s], s)
		}
	}
	if n[Skipped] > 0 {
		text += fmt.Sprintf("; %d skipped", n[Skipped])
	}
	return text
}
