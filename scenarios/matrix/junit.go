package matrix

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
)

// The elements of JUnit XML that CI systems read.
type (
	junitAll struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name      string      `xml:"name,attr"`
		Tests     int         `xml:"tests,attr"`
		Failures  int         `xml:"failures,attr"`
		Errors    int         `xml:"errors,attr"`
		Skipped   int         `xml:"skipped,attr"`
		Timestamp string      `xml:"timestamp,attr"`
		Cases     []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Skipped *junitMessage `xml:"skipped,omitempty"`
		Failure *junitMessage `xml:"failure,omitempty"`
		Error   *junitMessage `xml:"error,omitempty"`
		Out     string        `xml:"system-out,omitempty"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
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
	all := junitAll{Name: "dpilab matrix", Time: fmt.Sprintf("%.1f", r.Seconds)}
	for i := range r.Tools {
		s := junitSuite{Name: r.Tools[i].Name, Timestamp: r.Started.UTC().Format(time.RFC3339)}
		for j := range r.Cells {
			cell := &r.Cells[j]
			if cell.Tool != s.Name {
				continue
			}
			x, isChanged := changed[cell.Tool+"\x00"+cell.column()]
			s.add(cell, c, x, isChanged)
		}
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
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

func (s *junitSuite) add(cell *Cell, c *Comparison, x Changed, changed bool) {
	j := junitCase{Class: cell.Tool, Name: columnName(cell.Scenario, cell.Phase, cell.Policy), Out: cell.story()}
	message := &junitMessage{Message: string(cell.Status), Type: string(cell.Status), Text: cell.Why}
	if cell.Why != "" {
		message.Message += ": " + cell.Why
	}
	if changed && x.Was != "" {
		message.Message = fmt.Sprintf("was %s, is %s", x.Was, message.Message)
	}
	s.Tests++
	switch {
	case c != nil && changed && c.Failed(x) && cell.Status != Broken, c == nil && cell.Status == Leak:
		s.Failures++
		j.Failure = message
	case cell.Status == Broken && c != nil && !changed:
		s.Skipped++
		message.Message = "broken, as before: " + cell.Why
		j.Skipped = message
	case cell.Status == Broken:
		s.Errors++
		j.Error = message
	case cell.Status == Skipped:
		s.Skipped++
		j.Skipped, j.Out = message, ""
	}
	s.Cases = append(s.Cases, j)
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
