package matrix

import (
	"fmt"
	"io"
	"strings"
	"time"

	"dpilab/internal/junit"
)

// WriteJUnit writes a suite a tool, a case a cell.
//
// With a comparison, a failure is what that names a regression, and a cell that is broken is an error unless it was before. Without one (nil)
// nothing says what a tool ought to get through: that a policy blocks it is a finding, which passes and is told in the case's
// output; a leak is a failure, and a broken cell an error. What was skipped is skipped.
func (r *Result) WriteJUnit(w io.Writer, c *Comparison) error {
	changed := map[string]Changed{}
	if c != nil {
		for _, x := range c.Changes {
			changed[x.Tool+"\x00"+x.Column] = x
		}
	}
	all := junit.Report{Name: "dpilab matrix", Time: junit.Seconds(r.Seconds * float64(time.Second))}
	for i := range r.Tools {
		s := &junit.Suite{Name: r.Tools[i].Name, Timestamp: junit.Timestamp(r.Started), Properties: []junit.Property{{Name: "seed", Value: fmt.Sprint(r.Seed)}}}
		for j := range r.Cells {
			if cell := &r.Cells[j]; cell.Tool == s.Name {
				x, isChanged := changed[cell.Tool+"\x00"+cell.column()]
				s.Add(cell.junit(c, x, isChanged))
			}
		}
		all.Suites = append(all.Suites, s)
	}
	return all.Write(w)
}

func (c *Cell) junit(compared *Comparison, x Changed, changed bool) junit.Case {
	j := junit.Case{Class: c.Tool, Name: columnName(c.Scenario, c.Phase, c.Policy), Out: c.story()}
	message := &junit.Message{Message: string(c.Status), Type: string(c.Status), Text: c.Why}
	if c.Why != "" {
		message.Message += ": " + c.Why
	}
	if changed && x.Was != "" {
		message.Message = fmt.Sprintf("was %s, is %s", x.Was, message.Message)
	}
	switch {
	case compared != nil && changed && compared.Failed(x) && c.Status != Broken, compared == nil && c.Status == Leak:
		j.Failure = message
	case c.Status == Broken && compared != nil && !changed:
		message.Message = "broken, as before: " + c.Why
		j.Skipped = message
	case c.Status == Broken:
		j.Error = message
	case c.Status == Skipped:
		j.Skipped, j.Out = message, ""
	}
	return j
}

// story is what came of a cell, in a few lines.
func (c *Cell) story() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, reached in %d of %s", c.Status, c.Reached, plural(c.Tries, "try", "tries"))
	if c.Interval != nil {
		fmt.Fprintf(&b, " (95 %%: %.0f to %.0f %%)", 100*c.Interval[0], 100*c.Interval[1])
	}
	if c.Goodput.Median > 0 {
		fmt.Fprintf(&b, ", %s (without a box %s)", bits(c.Goodput.Median), bits(c.Reference.Median))
	}
	if c.Why != "" {
		b.WriteString("\n" + c.Why)
	}
	for i := range c.Runs {
		fmt.Fprintf(&b, "\ntry %d: %s", i+1, c.Runs[i].Outcome)
	}
	return b.String()
}
