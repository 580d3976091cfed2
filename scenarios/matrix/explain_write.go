package matrix

import (
	"fmt"
	"io"
	"strings"

	"dpilab/internal/typeset"
)

// didColours are those of what a box did.
var didColours = map[string]string{"": colourFaint, "dropped": "31", "rewritten": "33", "sent": "35", "held": "36"}

// fewest steps alike are told in one line.
const fewest = 4

// WriteText writes the story for people.
func (s *Story) WriteText(w io.Writer, o TableOptions) error {
	t := newTable(&Result{}, o)
	l := looks[s.Cell.Status]
	t.line(t.paint(colourBold, oneLine(s.Title())))
	t.line(t.paint(l.colour, string(s.Cell.Status)) + "  " + oneLine(s.Cell.Why))
	t.line("")
	t.line(fmt.Sprintf("flow %d of %d: %s", s.Which, len(s.Run.Flows), oneLine(s.Flow.name())) + t.paint(colourFaint, oneLine("  to "+s.Flow.To)))
	if s.Phase != nil {
		t.line(t.paint(colourFaint, oneLine(fmt.Sprintf("policy %s of %s: %s", s.Phase.Policy, s.Phase.Date, s.Phase.About))))
	}
	how := "told from what the result has"
	if s.Rerun != "" {
		how = "told by running the box again over " + s.Rerun
	}
	t.line(t.paint(colourFaint, oneLine(fmt.Sprintf("seed %d; %s", s.Run.Seed, how))))
	for _, n := range s.Notes {
		for _, line := range typeset.Wrap(oneLine("note: "+n), t.Width) {
			t.line(line)
		}
	}
	t.line("")
	t.steps(s.Steps)
	t.others(s)
	_, err := io.WriteString(w, t.out.String())
	return err
}

// steps writes a line a packet, and below it what the box made of that.
func (t *table) steps(steps []Step) {
	if len(steps) == 0 {
		t.line("The packets of this flow were not kept.")
	}
	what := 20
	for i := range steps {
		what = min(46, max(what, typeset.Letters(steps[i].What)))
	}
	for i := 0; i < len(steps); {
		n := 1
		for i+n < len(steps) && steps[i].like(&steps[i+n]) {
			n++
		}
		if n >= fewest {
			t.many(steps[i:i+n], what)
			i += n
			continue
		}
		t.step(&steps[i], what)
		i++
	}
}

// head is what comes first in a line, and arrow the packet's way: the client is on the left.
func head(ms float64, up bool) string {
	arrow := "←"
	if up {
		arrow = "→"
	}
	return fmt.Sprintf("%10.3f ms %s ", ms, arrow)
}

func (t *table) step(s *Step, width int) {
	t.line(head(s.MS, s.Up) + pad(width, cut(oneLine(s.What), width)) + fmt.Sprintf("%6d B  ", s.Length) + t.fate(s))
	for _, part := range []struct {
		word, colour string
		texts        []string
	}{{"read", "", s.Read}, {"believed", "", s.Believed}, {"decided", "1", s.Decided}} {
		for i, text := range part.texts {
			word := part.word
			if i > 0 {
				word = ""
			}
			for j, line := range typeset.Wrap(oneLine(text), t.Width-28) {
				if j > 0 {
					word = ""
				}
				t.line(strings.Repeat(" ", 16) + t.paint(colourFaint, pad(10, word)) + t.paint(part.colour, line))
			}
		}
	}
}

// fate says what became of a packet.
func (t *table) fate(s *Step) string {
	text := s.Did
	switch s.Did {
	case "":
		text = "passed"
	case "sent":
		text = "sent by the box"
	}
	if s.Rule != "" {
		text += ", " + s.Rule
	}
	if s.Box != "" {
		text += " at " + s.Box
	}
	return t.paint(didColours[s.Did], oneLine(text))
}

// many writes packets alike in one line.
func (t *table) many(some []Step, width int) {
	bytes := 0
	for i := range some {
		bytes += some[i].Length
	}
	first, last := &some[0], &some[len(some)-1]
	word, _, _ := strings.Cut(first.What, " ")
	text := fmt.Sprintf("%d × %s, until %.3f ms", len(some), word, last.MS)
	t.line(head(first.MS, first.Up) + pad(width, oneLine(text)) + fmt.Sprintf("%6d B  ", bytes) + t.fate(first))
}

// others lists the try's other flows, so that one of them can be asked for.
func (t *table) others(s *Story) {
	if len(s.Run.Flows) < 2 {
		return
	}
	t.line("")
	t.line(t.paint(colourFaint, "other flows of this try (--flow N)"))
	for i := range s.Run.Flows {
		f := &s.Run.Flows[i]
		if i+1 == s.Which {
			continue
		}
		text := fmt.Sprintf("%4d  %s  to %s, %d up, %d down", i+1, f.name(), f.To, f.Up, f.Down)
		if f.Dropped > 0 {
			text += fmt.Sprintf(", %d dropped", f.Dropped)
		}
		t.line(t.paint(colourFaint, cut(oneLine(text), t.Width)))
	}
}
