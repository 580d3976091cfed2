package matrix

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// Progress is how far a matrix is. Who gets one reads it until the call returns, and keeps nothing of it.
type Progress struct {
	Result  *Result       // so far: every tool and phase of the plan, and the cells that are done
	Done    int           // cells, those that were skipped included
	Of      int           // cells of the plan
	Running []string      // what is being tried: names of cells (Cell.String), or other words such as "curl without a box"
	Left    time.Duration // an estimate; 0: none yet
	Cell    *Cell         // that has just been done; nil when something else has changed
}

// LiveOptions say what the place is like where a matrix is shown while it runs. The zero value is a file: a line a cell that is done.
type LiveOptions struct {
	Terminal bool // that can be written over
	Width    int  // columns; 0: 120
	Height   int  // lines; 0: 40. Rows and columns that do not fit are left out; those of the cell that was done last stay
	Colour   bool
}

// Live shows a matrix while it runs. Any goroutine may call it.
type Live struct {
	mu     sync.Mutex
	out    io.Writer
	o      LiveOptions
	start  time.Time
	lines  int // that the last picture has
	latest int // row of the tool whose cell was done last
	column int // and the cell's column
}

// NewLive gives a Live that writes to out.
func NewLive(out io.Writer, o LiveOptions) *Live {
	if o.Width <= 0 {
		o.Width = defaultWidth
	}
	if o.Height <= 0 {
		o.Height = 40
	}
	return &Live{out: out, o: o, start: time.Now()}
}

// Update shows what has changed.
func (l *Live) Update(p Progress) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.o.Terminal {
		if p.Cell != nil {
			fmt.Fprintln(l.out, plainLine(p))
		}
		return
	}
	l.draw(p)
}

// Clear takes the picture away, so that what is written next stands in its place.
func (l *Live) Clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.o.Terminal {
		fmt.Fprint(l.out, l.up())
	}
	l.lines = 0
}

// up goes to the first line of the picture and takes away what is below (ECMA-48, 8.3.22 and 8.3.39).
func (l *Live) up() string {
	if l.lines == 0 {
		return ""
	}
	return fmt.Sprintf("\r\x1b[%dA\x1b[J", l.lines)
}

func plainLine(p Progress) string {
	c := p.Cell
	text := fmt.Sprintf("%*d of %d  %-8s  %s", len(fmt.Sprint(p.Of)), p.Done, p.Of, c.Status, c)
	if c.Why != "" {
		text += ": " + c.Why
	}
	return oneLine(text)
}

func (l *Live) draw(p Progress) {
	lines := l.rows(p)
	lines = append(lines, l.last(p))
	var b strings.Builder
	b.WriteString(l.up())
	for _, line := range lines {
		b.WriteString(line)
		b.WriteString("\x1b[K\n")
	}
	l.lines = len(lines)
	_, _ = io.WriteString(l.out, b.String()) // a terminal that is gone is noticed by what writes the result
}

// fewRows are those that a picture has at least, where the terminal has as many lines.
const fewRows = 8

// rows gives the lines of the table, as many as there is room for.
func (l *Live) rows(p Progress) []string {
	t := newTable(p.Result, TableOptions{Colour: l.o.Colour, Width: l.o.Width})
	t.running = map[string]bool{}
	for _, name := range p.Running {
		t.running[name] = true
	}
	if p.Cell != nil {
		l.latest, l.column = max(0, t.row(p.Cell.Tool)), max(0, t.column(p.Cell))
	}
	columns := t.blocks()[0]
	for _, b := range t.blocks() {
		if slices.Contains(b, l.column) {
			columns = b
		}
	}
	lines := t.stairs(columns)
	room := l.o.Height - 2 - len(lines)
	if room < min(fewRows, len(p.Result.Tools)) { // the rows matter more than the names above them
		room += len(lines)
		lines = nil
	}
	if room < 3 {
		return nil // the last line alone
	}
	from, to := window(len(p.Result.Tools), l.latest, room)
	for i := from; i < to; i++ {
		lines = append(lines, t.toolRow(i, columns))
	}
	return lines
}

// window gives the rows that are shown of n, with that one about in the middle.
func window(n, at, room int) (from, to int) {
	if n <= room {
		return 0, n
	}
	from = min(max(0, at-room/2), n-room)
	return from, from + room
}

// last is the line below the table.
func (l *Live) last(p Progress) string {
	text := fmt.Sprintf("%d/%d  %s", p.Done, p.Of, short(time.Since(l.start)))
	if p.Left > 0 {
		text += ", about " + short(p.Left) + " left"
	}
	if len(p.Running) > 0 {
		text += "  " + strings.Join(p.Running, ", ")
	}
	return cut(oneLine(text), l.o.Width-1)
}
