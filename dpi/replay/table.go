package replay

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// TableOptions are settings of WriteTable. The zero value is for a file.
type TableOptions struct {
	Colour  bool
	Verbose bool // flows that no rule hit too, and the story of those that one did (Options.Story)
}

// The colours of a terminal (ECMA-48, 8.3.117).
const (
	colourBlocked = "33"
	colourWrong   = "1;31"
	colourFaint   = "2"
	colourBold    = "1"
)

// WriteTable writes the report for people: flow by flow, what the rules did, what to know.
func (r *Report) WriteTable(w io.Writer, o TableOptions) error {
	t := &table{Report: r, TableOptions: o}
	t.head()
	t.flows()
	t.sums()
	t.rules()
	t.remarks()
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
	if !t.Colour || text == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

func (t *table) line(text string) {
	t.out.WriteString(strings.TrimRight(text, " "))
	t.out.WriteByte('\n')
}

func (t *table) head() {
	about := fmt.Sprintf("%s · policy %s of %s · seed %d · %d packets, %.3f s", t.Format, t.Policy, t.Date, t.Seed, t.Totals.Packets, t.Seconds)
	t.line(t.paint(colourBold, t.Capture) + "  " + t.paint(colourFaint, about))
}

// listed gives the flows that the table has.
func (t *table) listed() []*Flow {
	if t.Verbose {
		return t.Flows
	}
	return slices.DeleteFunc(slices.Clone(t.Flows), func(f *Flow) bool { return len(f.Verdicts) == 0 })
}

// flows writes a row a flow, and under it what hit it.
func (t *table) flows() {
	all := t.listed()
	if len(all) == 0 {
		return
	}
	rows := [][]string{{"time", "proto", "client", "server", "protocol", "name", "up", "down"}}
	for _, f := range all {
		client := f.Client
		if f.Opened == "outside" {
			client += " (outside)"
		}
		rows = append(rows, []string{fmt.Sprintf("%.3f", f.Seconds), f.Transport, client, f.Server, f.Protocol, f.Name, f.Up.text(), f.Down.text()})
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	t.line("")
	for i, row := range rows {
		text := ""
		for j, cell := range row {
			text += cell + strings.Repeat(" ", widths[j]-utf8.RuneCountInString(cell)+2)
		}
		if i == 0 {
			t.line(t.paint(colourFaint, strings.TrimRight(text, " ")))
			continue
		}
		t.line(text)
		t.under(all[i-1])
	}
}

// text is what went in and, where that is another number, out.
func (t *Traffic) text() string {
	in := fmt.Sprintf("%d (%s)", t.Packets, size(t.Bytes))
	if t.PacketsOut == t.Packets && t.BytesOut == t.Bytes {
		return in
	}
	return in + fmt.Sprintf(" → %d (%s)", t.PacketsOut, size(t.BytesOut))
}

// under writes what hit a flow, and its story.
func (t *table) under(f *Flow) {
	for _, v := range f.Verdicts {
		text := fmt.Sprintf("%s (%s): %s, at packet %d (#%d), +%.4g ms", v.Rule, v.Policy, v.Mechanism, v.Packet, v.Frame, v.MS)
		if v.Name != "" {
			text += ", " + v.Name
		}
		switch {
		case v.Held:
			text += ", since another flow was hit"
		case v.Learnt:
			text += ", since its server was learnt"
		}
		t.line("  " + t.paint(colourBlocked, text))
	}
	if !t.Verbose {
		return
	}
	for _, e := range f.Events {
		if e.Kind == "hit" {
			continue // stands above
		}
		text := fmt.Sprintf("#%d +%.4g ms: %s %s by %s, %s", e.Frame, e.MS, e.Direction, e.Kind, e.Rule, size(e.Bytes))
		if e.Packets > 1 {
			text = fmt.Sprintf("#%d to #%d, +%.4g to %.4g ms: %s %s by %s, %d packets, %s",
				e.Frame, e.LastFrame, e.MS, e.LastMS, e.Direction, e.Kind, e.Rule, e.Packets, size(e.Bytes))
		}
		t.line("    " + t.paint(colourFaint, text))
	}
}

// sums writes what was not listed, and the totals.
func (t *table) sums() {
	t.line("")
	n := 0
	var kinds []string
	for _, kind := range slices.SortedFunc(maps.Keys(t.Untouched), func(a, b string) int {
		if d := t.Untouched[b] - t.Untouched[a]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	}) {
		n += t.Untouched[kind]
		name := kind
		if kind == "" {
			name = "not recognised"
		}
		kinds = append(kinds, fmt.Sprintf("%d %s", t.Untouched[kind], name))
	}
	text := fmt.Sprintf("%d of %d flows hit", t.Totals.Hit, t.Totals.Flows)
	if n > 0 {
		text += fmt.Sprintf("; no rule hit %d (%s)", n, strings.Join(kinds, ", "))
	}
	t.line(text)
	s := &t.Totals
	parts := []string{fmt.Sprintf("%d packets through the box", s.Box)}
	for _, p := range []struct {
		n    uint64
		text string
	}{
		{s.Dropped, "dropped"}, {s.Rewritten, "rewritten"}, {s.Late, "held for a time"}, {s.Held, "held at the end"}, {s.Sent, "sent by the box"},
		{s.Beside, "beside the box"}, {s.NotIP, "not IP"}, {s.Other, "of other interfaces"},
	} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.text))
		}
	}
	t.line(strings.Join(parts, ", "))
}

func (t *table) rules() {
	if len(t.Rules) == 0 {
		return
	}
	t.line("")
	t.line(t.paint(colourBold, "why"))
	for _, r := range t.Rules {
		t.line(fmt.Sprintf("  %s (%s): %s; flows %d, dropped %d, rewritten %d, sent %d. Source: %s",
			r.Rule, r.Policy, r.Mechanism, r.Flows, r.Dropped, r.Rewritten, r.Sent, r.Source))
	}
}

func (t *table) remarks() {
	t.line("")
	for _, n := range t.Notes {
		t.line("note: " + n)
	}
	t.line(t.paint(colourFaint, "note: "+t.Caveat))
	if t.Broken != "" {
		t.line(t.paint(colourWrong, t.Broken))
	}
}

// size gives bytes in few letters.
func size(n uint64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1_000_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}
