package tools

import (
	"bufio"
	"io"
	"regexp"
	"strings"
	"sync"
)

const (
	maxLog  = 64 << 10 // bytes that a session keeps
	maxLine = 4 << 10  // bytes of a line that are kept
)

// journal is what the parts of a session have written, the end of it. Any goroutine.
type journal struct {
	mu    sync.Mutex
	lines []string
	size  int
}

func (j *journal) add(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
	for j.size += len(line) + 1; j.size > maxLog; {
		j.size -= len(j.lines[0]) + 1
		j.lines = j.lines[1:]
	}
}

// String gives the lines, each with its end.
func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.lines) == 0 {
		return ""
	}
	return strings.Join(j.lines, "\n") + "\n"
}

// writing is what one process writes: it goes into the journal, and a few lines are kept for errors. Any goroutine.
type writing struct {
	journal *journal
	part    string
	done    chan struct{} // closed when nothing more comes

	mu     sync.Mutex
	last   []string
	seen   []bool // by wanted
	wanted []*regexp.Regexp
}

// lastLines is how many lines an error quotes.
const lastLines = 4

// follow reads lines until r ends.
func (w *writing) follow(r io.Reader) {
	defer close(w.done)
	in := bufio.NewReaderSize(r, maxLine)
	for {
		line, prefix, err := in.ReadLine()
		if err != nil {
			return
		}
		w.line(strings.ToValidUTF8(string(line), "?"))
		for prefix && err == nil { // the rest of a line that is too long
			_, prefix, err = in.ReadLine()
		}
	}
}

func (w *writing) line(text string) {
	w.journal.add(w.part + ": " + text)
	w.mu.Lock()
	defer w.mu.Unlock()
	if strings.TrimSpace(text) != "" {
		w.last = append(w.last, strings.TrimSpace(text))
		w.last = w.last[max(0, len(w.last)-lastLines):]
	}
	for i, e := range w.wanted {
		w.seen[i] = w.seen[i] || e.MatchString(text)
	}
}

// want says which lines are waited for, before any comes.
func (w *writing) want(e *regexp.Regexp) {
	w.wanted, w.seen = append(w.wanted, e), append(w.seen, false)
}

// wrote tells whether a line that fits has come.
func (w *writing) wrote(e *regexp.Regexp) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.wanted {
		if w.wanted[i] == e {
			return w.seen[i]
		}
	}
	return false
}

// end gives the last lines in one.
func (w *writing) end() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.last) == 0 {
		return "it wrote nothing"
	}
	return "it wrote " + strings.Join(w.last, " / ")
}
