package scenarios

import (
	"fmt"
	"strings"

	"dpilab/internal/typeset"
)

// String is one line: rule, policy, mechanism, source.
func (w *Why) String() string {
	if w.Rule == "" {
		return fmt.Sprintf("the national resolver, which does not know %s any more", w.Removed)
	}
	return fmt.Sprintf("%s (%s): %s. Source: %s", w.Rule, w.Policy, w.Mechanism, w.Source)
}

// reason is a rule with everything that it blocked.
type reason struct {
	text   string
	probes []string
	phases map[string][]int // by probe
}

// causes gathers the reasons of a report, in the order of the phases.
func (r *Report) causes() []*reason {
	var all []*reason
	known := map[string]*reason{}
	for i := range r.Phases {
		for _, p := range r.Probes {
			why := p.Cells[i].Why
			if why == nil {
				continue
			}
			text := why.String()
			c := known[text]
			if c == nil {
				c = &reason{text: text, phases: map[string][]int{}}
				known[text] = c
				all = append(all, c)
			}
			if c.phases[p.Name] == nil {
				c.probes = append(c.probes, p.Name)
			}
			c.phases[p.Name] = append(c.phases[p.Name], i)
		}
	}
	return all
}

// why writes one entry for every rule that blocked something.
func (t *table) why() {
	causes := t.causes()
	if len(causes) == 0 {
		return
	}
	t.line("")
	t.line(t.paint(colourBold, "why"))
	const indent = "    "
	for _, c := range causes {
		t.line("  " + c.text)
		for _, line := range typeset.Wrap(t.blocked(c), t.Width-len(indent)) {
			t.line(t.paint(colourFaint, indent+line))
		}
	}
}

// blocked says what a cause blocked: the probes of the same phases together.
func (t *table) blocked(c *reason) string {
	var order []string
	probes := map[string][]string{}
	for _, p := range c.probes {
		when := t.when(c.phases[p])
		if probes[when] == nil {
			order = append(order, when)
		}
		probes[when] = append(probes[when], p)
	}
	var parts []string
	for _, when := range order {
		parts = append(parts, when+": "+strings.Join(probes[when], ", "))
	}
	return strings.Join(parts, "; ")
}

func (t *table) when(columns []int) string {
	if len(columns) == len(t.Phases) && len(columns) > 1 {
		return "every phase"
	}
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = t.Phases[c].Name
	}
	return strings.Join(names, ", ")
}
