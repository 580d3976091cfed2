package scenarios

import (
	"fmt"
	"io"

	"dpilab/internal/junit"
)

// WriteJUnit writes the report as JUnit XML: a suite a phase, a case a probe, whose time is that of its outcome.
func (r *Report) WriteJUnit(w io.Writer) error {
	all := junit.Report{Name: r.Scenario, Time: junit.Seconds(r.Took)}
	for column, p := range r.Phases {
		s := &junit.Suite{
			Name: r.Scenario + "." + p.Name, Time: junit.Seconds(p.Took), Timestamp: junit.Timestamp(r.Started),
			Properties: []junit.Property{{Name: "date", Value: p.Date}, {Name: "policy", Value: p.Policy}, {Name: "seed", Value: fmt.Sprint(r.Seed)}},
		}
		for _, row := range r.Probes {
			if c := row.Cells[column]; c.Tried {
				s.Add(c.junit(s.Name, row.Name))
			}
		}
		all.Suites = append(all.Suites, s)
	}
	return all.Write(w)
}

func (c *Cell) junit(class, name string) junit.Case {
	j := junit.Case{Class: class, Name: name, Time: junit.Seconds(c.Outcome.After), Out: c.Outcome.String()}
	switch {
	case c.skipped():
		j.Skipped, j.Out = &junit.Message{Message: c.Outcome.Detail}, ""
	case c.wrong():
		j.Failure = &junit.Message{Message: fmt.Sprintf("got %s, wanted %s", c.Outcome, c.Expected), Type: string(c.Outcome.Kind)}
	}
	if c.Why != nil {
		j.Out += "\nwhy: " + c.Why.String()
	}
	return j
}
