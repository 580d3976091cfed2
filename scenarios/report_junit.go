package scenarios

import (
	"encoding/xml"
	"fmt"
	"io"
)

// The types of the JUnit report, in the dialect that Jenkins and GitLab read: a suite a phase, a case a probe.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string          `xml:"name,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Time       string          `xml:"time,attr"`
		Timestamp  string          `xml:"timestamp,attr"`
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitMessage `xml:"failure,omitempty"`
		Skipped *junitMessage `xml:"skipped,omitempty"`
		Out     string        `xml:"system-out,omitempty"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
	}
)

// WriteJUnit writes the report as JUnit XML. The time of a case is that of its outcome.
func (r *Report) WriteJUnit(w io.Writer) error {
	all := junitSuites{Name: r.Scenario, Time: seconds(r.Took.Seconds())}
	for column, p := range r.Phases {
		s := junitSuite{
			Name: r.Scenario + "." + p.Name, Time: seconds(p.Took.Seconds()), Timestamp: r.Started.UTC().Format("2006-01-02T15:04:05"),
			Properties: []junitProperty{{"date", p.Date}, {"policy", p.Policy}, {"seed", fmt.Sprint(r.Seed)}},
		}
		for _, row := range r.Probes {
			if c := row.Cells[column]; c.Tried {
				s.add(r.Scenario+"."+p.Name, row.Name, c)
			}
		}
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Skipped += s.Skipped
		all.Suites = append(all.Suites, s)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (s *junitSuite) add(class, name string, c Cell) {
	j := junitCase{Class: class, Name: name, Time: seconds(c.Outcome.After.Seconds()), Out: c.Outcome.String()}
	s.Tests++
	switch {
	case c.skipped():
		s.Skipped++
		j.Skipped, j.Out = &junitMessage{Message: c.Outcome.Detail}, ""
	case c.wrong():
		s.Failures++
		j.Failure = &junitMessage{Message: fmt.Sprintf("got %s, wanted %s", c.Outcome, c.Expected), Type: string(c.Outcome.Kind)}
	}
	if c.Why != nil {
		j.Out += "\nwhy: " + c.Why.String()
	}
	s.Cases = append(s.Cases, j)
}

func seconds(s float64) string { return fmt.Sprintf("%.3f", s) }
