package matrix

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// BaselineSchema is what a baseline's "schema" says.
const BaselineSchema = "dpilab-baseline/1"

// Baseline is what a matrix came to before, cell by cell, for comparing. It is kept in a repository: a cell has a line of its own, sorted.
// What was skipped is not in it. Its words are the status, and how many tries reached the goal where that is not all or none of
// them, or chance plays a part: "open", "degraded 2/3".
type Baseline struct {
	Schema string                       `json:"schema"`
	Repeat int                          `json:"repeat"`
	Cells  map[string]map[string]string `json:"cells"` // tool, then SCENARIO/PHASE
}

// mark is what a baseline says of a cell.
type mark struct {
	status  Status
	reached int
	tries   int
	chance  bool // reached and tries are counted, of a cell that chance plays a part in
}

// NewBaseline gives the baseline of a result. What an earlier one, which may be nil, has of other cells stays, and so does what it
// has of cells that were skipped: a machine on which a program is missing says nothing of it.
func NewBaseline(r *Result, earlier *Baseline) *Baseline {
	b := &Baseline{Schema: BaselineSchema, Repeat: r.Repeat, Cells: map[string]map[string]string{}}
	if earlier != nil {
		for tool, columns := range earlier.Cells {
			for column := range columns {
				m, _ := earlier.mark(tool, column)
				m.chance = m.chance || m.tries != b.Repeat // its number is no longer that of the file
				b.set(tool, column, m)
			}
		}
	}
	for i := range r.Cells {
		if c := &r.Cells[i]; c.Status != Skipped {
			b.set(c.Tool, c.column(), c.mark())
		}
	}
	return b
}

// column names the cell's column in full.
func (c *Cell) column() string { return c.Scenario + "/" + c.Phase }

func (c *Cell) mark() mark {
	return mark{c.Status, c.Reached, c.Tries, c.Interval != nil || c.Flakes > 0}
}

func (b *Baseline) set(tool, column string, m mark) {
	if b.Cells[tool] == nil {
		b.Cells[tool] = map[string]string{}
	}
	text := string(m.status)
	if m.chance {
		text += fmt.Sprintf(" %d/%d", m.reached, m.tries)
	}
	b.Cells[tool][column] = text
}

// mark reads what stands there; ok is false where nothing does.
func (b *Baseline) mark(tool, column string) (m mark, ok bool) {
	text, ok := b.Cells[tool][column]
	if !ok {
		return mark{}, false
	}
	m, err := parseMark(text, b.Repeat)
	return m, err == nil
}

func parseMark(text string, repeat int) (mark, error) {
	word, counts, counted := strings.Cut(text, " ")
	m := mark{status: Status(word), tries: repeat, chance: counted}
	if m.status == Open {
		m.reached = repeat
	}
	if m.status == Skipped || !slices.Contains(Statuses, m.status) {
		return m, fmt.Errorf("found %q, expected a status such as open or blocked", text)
	}
	if !counted {
		return m, nil
	}
	if n, err := fmt.Sscanf(counts, "%d/%d", &m.reached, &m.tries); n != 2 || err != nil || m.reached < 0 || m.reached > m.tries || m.tries > mostTries ||
		counts != fmt.Sprintf("%d/%d", m.reached, m.tries) {
		return m, fmt.Errorf("found %q, expected a status and tries such as degraded 2/3", text)
	}
	return m, nil
}

// mostTries is more than anybody repeats a cell; it bounds the sums of comparing.
const mostTries = 100_000

// ReadBaseline reads a file. One that is not there gives an error that is os.ErrNotExist.
func ReadBaseline(file string) (*Baseline, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return ParseBaseline(file, data)
}

// ParseBaseline reads a baseline; a whole result does as well. The file's name is for messages. Errors are of type *FileError.
func ParseBaseline(file string, data []byte) (*Baseline, error) {
	var head struct{ Schema string }
	if json.Unmarshal(data, &head) == nil && head.Schema == SchemaName {
		r, err := Parse(file, data)
		if err != nil {
			return nil, err
		}
		return NewBaseline(r, nil), nil
	}
	b := new(Baseline)
	if err := parseJSON(file, data, BaselineSchema, "a baseline, as dpilab matrix --baseline FILE --update writes it", b); err != nil {
		return nil, err
	}
	if b.Repeat < 0 || b.Repeat > mostTries {
		return nil, &FileError{File: file, Text: fmt.Sprintf("repeat: found %d, expected a number of tries", b.Repeat)}
	}
	for tool, columns := range b.Cells {
		for column, text := range columns {
			if _, err := parseMark(text, b.Repeat); err != nil {
				return nil, &FileError{File: file, Text: fmt.Sprintf("cells: %s, %s: %s", tool, column, err)}
			}
		}
	}
	return b, nil
}

// WriteJSON writes the baseline: maps come out sorted.
func (b *Baseline) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(b)
}
