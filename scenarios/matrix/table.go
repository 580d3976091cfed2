package matrix

import (
	"fmt"
	"io"
	"strings"
	"time"

	"dpilab/internal/typeset"
)

// TableOptions are settings of WriteTable. The zero value is for a file.
type TableOptions struct {
	Colour bool
	Width  int // of the terminal; 0: 120. Columns that do not fit go into a block of their own
}

const (
	defaultWidth = 120
	columnGap    = 2
	stairGap     = 2 // a symbol, and a mark of flakes
	mostLabel    = 40
)

// The colours of a terminal (ECMA-48, 8.3.117).
const (
	colourFaint = "2"
	colourBold  = "1"
)

// look is how a status appears on a terminal.
type look struct{ symbol, colour string }

var looks = map[Status]look{
	Open: {"●", "32"}, Degraded: {"◐", "33"}, Blocked: {"✗", "31"}, Leak: {"!", "1;35"}, Broken: {"?", "1;36"}, Skipped: {"-", colourFaint},
}

const (
	flakeMark = "~"
	isRunning = "▸"
	isNotDone = "·"
)

// WriteTable writes the result for people: a row a tool, a column a policy; what is not open, and why; the sum.
func (r *Result) WriteTable(w io.Writer, o TableOptions) error {
	t := newTable(r, o)
	t.head()
	for _, columns := range t.blocks() {
		t.line("")
		for _, line := range t.block(columns) {
			t.line(line)
		}
	}
	t.legend()
	t.notOpen()
	t.line("")
	t.line(t.sum())
	_, err := io.WriteString(w, t.out.String())
	return err
}

// table is a result that is being written.
type table struct {
	*Result
	TableOptions
	out     strings.Builder
	cells   map[string]*Cell // by tool and column
	label   int              // width of the tools' names
	running map[string]bool  // by the names of cells
}

func newTable(r *Result, o TableOptions) *table {
	if o.Width <= 0 {
		o.Width = defaultWidth
	}
	t := &table{Result: r, TableOptions: o, cells: map[string]*Cell{}}
	for i := range r.Cells {
		c := &r.Cells[i]
		t.cells[cellKey(c.Tool, c.Scenario, c.Phase)] = c
	}
	for i := range r.Tools {
		t.label = min(mostLabel, max(t.label, typeset.Letters(r.Tools[i].Name)))
	}
	return t
}

func cellKey(tool, scenario, phase string) string { return tool + "\x00" + scenario + "\x00" + phase }

func (t *table) at(tool, column int) *Cell {
	p := &t.Phases[column]
	return t.cells[cellKey(t.Tools[tool].Name, p.Scenario, p.Name)]
}

func (t *table) row(tool string) int {
	for i := range t.Tools {
		if t.Tools[i].Name == tool {
			return i
		}
	}
	return -1
}

func (t *table) column(c *Cell) int {
	for i := range t.Phases {
		if t.Phases[i].Scenario == c.Scenario && t.Phases[i].Name == c.Phase {
			return i
		}
	}
	return -1
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
	about := fmt.Sprintf("%s × %s · %s a cell · seed %d · %s",
		plural(len(t.Tools), "tool", "tools"), plural(len(t.Phases), "policy", "policies"), plural(t.Repeat, "try", "tries"),
		t.Seed, short(time.Duration(t.Seconds*float64(time.Second))))
	if len(t.Shards) > 0 {
		about += " · shard " + strings.Join(t.Shards, ", ")
	}
	if t.Partial {
		about += " · ended early"
	}
	t.line(t.paint(colourBold, "matrix") + "  " + t.paint(colourFaint, about))
}

// wide tells whether all columns fit beside one another with their names above them, and words in the cells.
func (t *table) wide() bool {
	width := t.label
	for i := range t.Phases {
		width += columnGap + t.columnWidth(i)
	}
	return width <= t.Width
}

func (t *table) columnWidth(column int) int {
	width := max(typeset.Letters(t.Phases[column].String()), typeset.Letters(t.Phases[column].Date))
	for i := range t.Tools {
		width = max(width, typeset.Letters(t.words(t.at(i, column))))
	}
	return width
}

// blocks deals the columns out to as many tables as the width needs.
func (t *table) blocks() [][]int {
	var all [][]int
	var block []int
	names := !t.wide()
	for i := range t.Phases {
		// A name goes to the right from its column on.
		if names && len(block) > 0 && t.label+columnGap+stairGap*(len(block)+1)+1+typeset.Letters(t.Phases[i].String()) > t.Width {
			all = append(all, block)
			block = nil
		}
		block = append(block, i)
	}
	return append(all, block)
}

// block gives the lines of some columns.
func (t *table) block(columns []int) []string {
	if t.wide() {
		return t.wideBlock(columns)
	}
	lines := t.stairs(columns)
	for i := range t.Tools {
		lines = append(lines, t.toolRow(i, columns))
	}
	return lines
}

func (t *table) wideBlock(columns []int) []string {
	names, dates := pad(t.label, ""), pad(t.label, "")
	for _, c := range columns {
		width := t.columnWidth(c)
		names += strings.Repeat(" ", columnGap) + t.paint(colourBold, pad(width, t.Phases[c].String()))
		dates += strings.Repeat(" ", columnGap) + t.paint(colourFaint, pad(width, t.Phases[c].Date))
	}
	lines := []string{names, dates}
	for i := range t.Tools {
		row := t.toolName(i)
		for _, c := range columns {
			cell := t.at(i, c)
			text := t.words(cell)
			colour := ""
			if cell != nil {
				colour = looks[cell.Status].colour
			}
			row += strings.Repeat(" ", columnGap) + t.paint(colour, text) + strings.Repeat(" ", t.columnWidth(c)-typeset.Letters(text))
		}
		lines = append(lines, row)
	}
	return lines
}

func (t *table) toolName(i int) string { return pad(t.label, cut(oneLine(t.Tools[i].Name), t.label)) }

// words are what stands in a cell that has room.
func (t *table) words(c *Cell) string {
	if c == nil {
		return isNotDone
	}
	text := looks[c.Status].symbol + " " + string(c.Status)
	if c.Flakes > 0 {
		text += fmt.Sprintf(" %d/%d", c.Reached, c.Tries)
	}
	return text
}

// stairs are the names of columns above narrow ones, each on a line of its own.
func (t *table) stairs(columns []int) []string {
	var lines []string
	for i, c := range columns {
		line := pad(t.label+columnGap, "") + t.paint(colourFaint, strings.Repeat("│ ", i)+"┌ ") + t.Phases[c].String()
		lines = append(lines, line)
	}
	return lines
}

// toolRow is a row of narrow columns.
func (t *table) toolRow(i int, columns []int) string {
	row := t.toolName(i) + strings.Repeat(" ", columnGap)
	for _, c := range columns {
		cell := t.at(i, c)
		switch {
		case cell == nil && t.running[t.Tools[i].Name+"@"+t.Phases[c].String()]:
			row += isRunning + " "
		case cell == nil:
			row += t.paint(colourFaint, isNotDone) + " "
		default:
			mark := " "
			if cell.Flakes > 0 {
				mark = flakeMark
			}
			l := looks[cell.Status]
			row += t.paint(l.colour, l.symbol+mark)
		}
	}
	return row
}

// legend explains the symbols that the table has, where it has no words.
func (t *table) legend() {
	if t.wide() {
		return
	}
	n := t.Count("")
	var words []string
	for _, s := range Statuses {
		if n[s] > 0 {
			words = append(words, t.paint(looks[s].colour, looks[s].symbol)+t.paint(colourFaint, " "+string(s)))
		}
	}
	for i := range t.Cells {
		if t.Cells[i].Flakes > 0 {
			words = append(words, flakeMark+t.paint(colourFaint, " not each time"))
			break
		}
	}
	t.line("")
	t.line(strings.Join(words, t.paint(colourFaint, " · ")))
}

func (t *table) sum() string {
	n := t.Count("")
	colour := looks[Open].colour
	if n[Open] < n.Tried() {
		colour = looks[Degraded].colour
	}
	return t.paint(colour, n.String())
}
