package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"dpilab/scenarios"
)

// terminalOf gives the descriptor of a terminal.
func terminalOf(w io.Writer) (int, bool) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	return int(f.Fd()), true
}

// widthOf is how many columns a table may take.
func widthOf(w io.Writer) int {
	if fd, ok := terminalOf(w); ok {
		if width, _, err := term.GetSize(fd); err == nil && width > 0 {
			return width
		}
	}
	return 120
}

// colours tells whether w shows colours and is wanted to (https://no-color.org).
func colours(w io.Writer) bool {
	_, ok := terminalOf(w)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// progress shows how far a run is: one line that is written over on a terminal, a line a phase elsewhere.
type progress struct {
	out      io.Writer
	terminal bool
	start    time.Time
	phase    string
}

func newProgress(out io.Writer) *progress {
	_, ok := terminalOf(out)
	return &progress{out: out, terminal: ok, start: time.Now()}
}

func (p *progress) update(s scenarios.Progress) {
	if p.terminal {
		line := fmt.Sprintf("%3.0f s  phase %d of %d, %s: %d of %d probes  %s",
			time.Since(p.start).Seconds(), s.Number, s.Of, s.Phase, s.Done, s.Probes, s.Last)
		fmt.Fprintf(p.out, "\r\x1b[K%s", strings.TrimSpace(cut(line, widthOf(p.out)-1)))
		return
	}
	if s.Phase != p.phase {
		p.phase = s.Phase
		fmt.Fprintf(p.out, "phase %d of %d, %s: %d probes\n", s.Number, s.Of, s.Phase, s.Probes)
	}
}

// line shows what is at hand, on a terminal.
func (p *progress) line(what string) {
	if p.terminal {
		fmt.Fprintf(p.out, "\r\x1b[K%s", cut(fmt.Sprintf("%3.0f s  %s", time.Since(p.start).Seconds(), what), widthOf(p.out)-1))
	}
}

// clear takes the line away.
func (p *progress) clear() {
	if p.terminal {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

func cut(s string, n int) string {
	if r := []rune(s); len(r) > n && n > 0 {
		return string(r[:n])
	}
	return s
}
