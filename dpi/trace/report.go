package trace

import (
	"fmt"
	"io"
	"strings"
)

// Line is the result in one line, without the end of it.
func (r *Result) Line() string {
	state := "ok"
	if n := len(r.Failures); n > 0 {
		state = fmt.Sprintf("FAILED, %d of its lines", n)
		if n == 1 {
			state = "FAILED, 1 of its lines"
		}
	}
	return fmt.Sprintf("%-28s %-14s %-3s %s", r.Trace.Name, strings.Join(r.Trace.IDs, " "), r.Trace.Confidence, state)
}

// WriteScript writes the script, and beside each line that failed what came out.
func (r *Result) WriteScript(w io.Writer) error {
	got := map[int][]Failure{}
	for _, f := range r.Failures {
		got[f.Line] = append(got[f.Line], f)
	}
	for i, line := range r.Trace.lines {
		mark := "  "
		if got[i+1] != nil {
			mark = "✗ "
		}
		if _, err := fmt.Fprintf(w, "%4d %s%s\n", i+1, mark, line); err != nil {
			return err
		}
		for n, f := range got[i+1] {
			if n == 3 {
				fmt.Fprintf(w, "       %*s... and %d more times\n", indentOf(line), "", len(got[i+1])-n)
				break
			}
			fmt.Fprintf(w, "       %*sexpected %s\n       %*s     got %s\n", indentOf(line), "", f.Expected, indentOf(line), "", f.Got)
		}
	}
	return nil
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }
