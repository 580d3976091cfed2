package matrix

import (
	"fmt"
	"regexp"
	"strings"

	"dpilab/internal/typeset"
)

// reason is what several cells have in common.
type reason struct {
	status Status
	text   string
	tools  []string
	cells  map[string][]*Cell // by tool
}

// numbers are what differs between tries that came to the same: times, rates, ports.
var numbers = regexp.MustCompile(`\d+([.:]\d+)*( (ms|s|min|%|bytes|[kMG]?bit/s))?`)

// general gives the reason of a cell without what is the single try's, and a key that is the same for the like: the rule, where one did it.
func (c *Cell) general() (text, key string) {
	for i := range c.Runs {
		for _, h := range c.Runs[i].Hits {
			text := fmt.Sprintf("rule %s (%s): %s", h.Rule, h.Policy, h.Mechanism)
			if strings.Contains(c.Why, text) {
				text += ". Source: " + h.Source
				return text, text
			}
		}
	}
	if c.Why == "" {
		return "no reason is known", ""
	}
	return c.Why, numbers.ReplaceAllString(c.Why, "#")
}

// reasons gathers what is not open: the worst first, and cells with the same reason together.
func (r *Result) reasons() []*reason {
	var all []*reason
	for _, s := range []Status{Leak, Broken, Blocked, Degraded, Skipped} {
		known := map[string]*reason{}
		for i := range r.Cells {
			c := &r.Cells[i]
			if c.Status != s {
				continue
			}
			text, key := c.general()
			x := known[key]
			if x == nil {
				x = &reason{status: s, text: text, cells: map[string][]*Cell{}}
				known[key] = x
				all = append(all, x)
			}
			if x.cells[c.Tool] == nil {
				x.tools = append(x.tools, c.Tool)
			}
			x.cells[c.Tool] = append(x.cells[c.Tool], c)
		}
	}
	return all
}

// notOpen writes what is not open, and why.
func (t *table) notOpen() {
	const indent = "    "
	last := Open
	for _, x := range t.reasons() {
		if x.status != last {
			last = x.status
			t.line("")
			t.line(t.paint(looks[x.status].colour, looks[x.status].symbol+" "+string(x.status)))
		}
		for i, line := range typeset.Wrap(oneLine(x.text), t.Width-4) {
			if i > 0 {
				line = "  " + line
			}
			t.line("  " + line)
		}
		for _, line := range typeset.Wrap(oneLine(t.where(x)), t.Width-len(indent)) {
			t.line(t.paint(colourFaint, indent+line))
		}
	}
}

// where names the cells of a reason: tools of the same columns together.
func (t *table) where(x *reason) string {
	var order []string
	tools := map[string][]string{}
	for _, tool := range x.tools {
		columns := t.columnsOf(x.cells[tool])
		if tools[columns] == nil {
			order = append(order, columns)
		}
		tools[columns] = append(tools[columns], tool)
	}
	var parts []string
	for _, columns := range order {
		parts = append(parts, strings.Join(tools[columns], ", ")+": "+columns)
	}
	return strings.Join(parts, "; ")
}

func (t *table) columnsOf(cells []*Cell) string {
	if len(cells) == len(t.Phases) && len(cells) > 1 {
		return "every policy"
	}
	var names []string
	for _, c := range cells {
		name := columnName(c.Scenario, c.Phase, c.Policy)
		if c.Flakes > 0 {
			name += fmt.Sprintf(" (%d/%d)", c.Reached, c.Tries)
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}
