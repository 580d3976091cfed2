package scenarios

import (
	"fmt"
	"io"
	"strings"

	"dpilab/internal/typeset"
	"dpilab/lab/probe"
)

// TableOptions are settings of WriteTable. The zero value is for a file.
type TableOptions struct {
	Colour bool
	Width  int // of the terminal; 0: 120. Phases that do not fit go into a block of their own
}

const (
	defaultWidth = 120
	columnGap    = 2
	wrongMark    = "✗ "
)

// The colours of a terminal (ECMA-48, 8.3.117).
const (
	colourOpen    = "32"   // green: ok, as expected
	colourBlocked = "33"   // yellow: blocked, as expected
	colourWrong   = "1;31" // bold red: not as expected
	colourFaint   = "2"
	colourBold    = "1"
)

// WriteTable writes the report for people: a row a probe, a column a phase; what is not as expected; what blocked what; and
// the sum.
func (r *Report) WriteTable(w io.Writer, o TableOptions) error {
	if o.Width <= 0 {
		o.Width = defaultWidth
	}
	t := &table{Report: r, TableOptions: o}
	t.head()
	for _, columns := range t.blocks() {
		t.block(columns)
	}
	t.legend()
	t.wrong()
	t.sum()
	t.why()
	_, err := io.WriteString(w, t.out.String())
	return err
}

// table is a report that is being written.
type table struct {
	*Report
	TableOptions
	out strings.Builder
}

// paint colours text, when colour is wanted.
func (t *table) paint(colour, text string) string {
	if !t.Colour || text == "" || colour == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

func (t *table) line(text string) {
	t.out.WriteString(strings.TrimRight(text, " "))
	t.out.WriteByte('\n')
}

func (t *table) head() {
	about := fmt.Sprintf("%s · seed %d · %s", t.Lab, t.Seed, probe.Short(t.Took))
	t.line(t.paint(colourBold, t.Scenario) + "  " + t.paint(colourFaint, about))
	for _, text := range typeset.Wrap(t.About, t.Width) {
		t.line(text)
	}
}

// blocks deals the phases out to as many tables as the width needs.
func (t *table) blocks() [][]int {
	var all [][]int
	var block []int
	used := t.labelWidth()
	for i := range t.Phases {
		width := columnGap + t.columnWidth(i)
		if len(block) > 0 && used+width > t.Width {
			all = append(all, block)
			block, used = nil, t.labelWidth()
		}
		block = append(block, i)
		used += width
	}
	return append(all, block)
}

func (t *table) labelWidth() int {
	width := 0
	for _, p := range t.Probes {
		width = max(width, typeset.Letters(p.Name))
	}
	return width
}

func (t *table) columnWidth(column int) int {
	width := max(typeset.Letters(t.Phases[column].Name), typeset.Letters(t.Phases[column].Date))
	for _, p := range t.Probes {
		width = max(width, typeset.Letters(p.Cells[column].text()))
	}
	return width
}

// text is what stands in the table.
func (c Cell) text() string {
	switch {
	case !c.Tried:
		return ""
	case c.wrong():
		return wrongMark + c.Outcome.Short()
	}
	return c.Outcome.Short()
}

func (c Cell) colour() string {
	switch {
	case c.wrong():
		return colourWrong
	case c.skipped():
		return colourFaint
	case c.Outcome.Kind == probe.OK:
		return colourOpen
	}
	return colourBlocked
}

// block writes the table of some phases.
func (t *table) block(columns []int) {
	label := t.labelWidth()
	names, dates := strings.Repeat(" ", label), strings.Repeat(" ", label)
	for _, i := range columns {
		width := columnGap + t.columnWidth(i)
		names += strings.Repeat(" ", columnGap) + t.paint(colourBold, t.Phases[i].Name) + typeset.Space(width-columnGap, t.Phases[i].Name)
		dates += strings.Repeat(" ", columnGap) + t.paint(colourFaint, t.Phases[i].Date) + typeset.Space(width-columnGap, t.Phases[i].Date)
	}
	t.line("")
	t.line(names)
	t.line(dates)
	controls := false
	for _, p := range t.Probes {
		if p.Control && !controls {
			controls = true
			t.line(t.paint(colourFaint, "controls, open in every phase"))
		}
		row := p.Name + typeset.Space(label, p.Name)
		for _, i := range columns {
			text := p.Cells[i].text()
			row += strings.Repeat(" ", columnGap) + t.paint(p.Cells[i].colour(), text) + typeset.Space(t.columnWidth(i), text)
		}
		t.line(row)
	}
}

// legend explains the abbreviations that the table has.
func (t *table) legend() {
	used := map[probe.Stage]bool{}
	for _, p := range t.Probes {
		for _, c := range p.Cells {
			if c.Outcome.Kind == probe.Reset || c.Outcome.Kind == probe.Closed || c.Outcome.Kind == probe.Silent {
				used[c.Outcome.Stage] = true
			}
		}
	}
	var words []string
	for _, e := range []struct {
		stage probe.Stage
		text  string
	}{{probe.StageHello, "after the ClientHello"}, {probe.StageInitial, "after QUIC's Initial"}, {probe.StageOpening, "after the chat's first bytes"}} {
		if used[e.stage] {
			words = append(words, fmt.Sprintf("(%s) %s", e.stage.Short(), e.text))
		}
	}
	if len(words) > 0 {
		t.line("")
		t.line(t.paint(colourFaint, strings.Join(words, " · ")))
	}
}

// wrong writes what was not as expected, and what was not tried.
func (t *table) wrong() {
	t.line("")
	skipped := map[string][]string{}
	var reasons []string
	for _, p := range t.Probes {
		for i, c := range p.Cells {
			where := p.Name + ", " + t.Phases[i].Name
			switch {
			case c.wrong():
				t.line(t.paint(colourWrong, wrongMark+where) + fmt.Sprintf(": got %s, wanted %s", c.Outcome, c.Expected))
				if c.Why != nil {
					t.line("  because of " + c.Why.String())
				}
			case c.skipped():
				reason := p.Name + ": " + c.Outcome.Detail
				if skipped[reason] == nil {
					reasons = append(reasons, reason)
				}
				skipped[reason] = append(skipped[reason], t.Phases[i].Name)
			}
		}
	}
	for _, reason := range reasons {
		t.line(fmt.Sprintf("skipped %s (%s)", reason, strings.Join(skipped[reason], ", ")))
	}
}

func (t *table) sum() {
	s := t.Summary()
	text, colour := fmt.Sprintf("%d of %d as expected", s.AsExpected, s.Tried), colourOpen
	if !t.OK() {
		colour = colourWrong
	}
	text = t.paint(colour, text)
	if s.Skipped > 0 {
		text += fmt.Sprintf(", %d skipped", s.Skipped)
	}
	t.line(text)
}
