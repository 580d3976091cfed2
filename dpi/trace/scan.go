package trace

import (
	"strconv"
	"strings"
	"time"
)

// word is a piece of a line.
type word struct {
	text   string
	at     place
	quoted bool // text is what the quotes hold
}

// scanner reads the words of one line, one after another.
type scanner struct {
	file  string
	words []word
	i     int
	end   place // behind the last word
}

// scan splits a line into words. A # at the start of a word begins a comment.
func scan(file string, line int, text string) (*scanner, error) {
	s := &scanner{file: file}
	i := 0
	for {
		for i < len(text) && (text[i] == ' ' || text[i] == '\t') {
			i++
		}
		at := place{line, i + 1}
		s.end = at
		if i == len(text) || text[i] == '#' {
			return s, nil
		}
		if text[i] == '"' {
			q, err := strconv.QuotedPrefix(text[i:])
			if err != nil {
				return nil, fail(file, at, "found a text without a closing quote, expected \"...\" as in Go")
			}
			inner, err := strconv.Unquote(q)
			if err != nil {
				return nil, fail(file, at, "found %s, expected a text as in Go", q)
			}
			s.words = append(s.words, word{inner, at, true})
			i += len(q)
			continue
		}
		from := i
		for i < len(text) && text[i] != ' ' && text[i] != '\t' {
			i++
		}
		s.words = append(s.words, word{text: text[from:i], at: at})
	}
}

func (s *scanner) more() bool { return s.i < len(s.words) }

// peek gives the next word, or the empty one at the end.
func (s *scanner) peek() word {
	if s.more() {
		return s.words[s.i]
	}
	return word{at: s.end}
}

func (s *scanner) next() word {
	w := s.peek()
	s.i++
	return w
}

// take goes past the next word if it is one of these.
func (s *scanner) take(words ...string) bool {
	if w := s.peek(); s.more() && !w.quoted {
		for _, x := range words {
			if w.text == x {
				s.i++
				return true
			}
		}
	}
	return false
}

func (s *scanner) expected(w word, what string) error {
	if w.text == "" && !w.quoted {
		return fail(s.file, w.at, "found the end of the line, expected %s", what)
	}
	return fail(s.file, w.at, "found %q, expected %s", w.text, what)
}

// number reads a whole number from lo to hi, decimal or 0x.
func (s *scanner) number(what string, lo, hi int64) (int, error) {
	w := s.next()
	n, err := strconv.ParseInt(w.text, 0, 64)
	if err != nil || n < lo || n > hi || w.quoted {
		return 0, s.expected(w, what+" from "+strconv.FormatInt(lo, 10)+" to "+strconv.FormatInt(hi, 10))
	}
	return int(n), nil
}

// isNumber tells whether the next word is a plain number.
func (s *scanner) isNumber() bool {
	_, err := strconv.ParseInt(s.peek().text, 0, 64)
	return err == nil && !s.peek().quoted
}

// more reads numbers by read and appends them to all, which has one at least then.
func more[T any](s *scanner, all []T, read func() (T, error)) ([]T, error) {
	for len(all) == 0 || s.isNumber() {
		n, err := read()
		if err != nil {
			return all, err
		}
		all = append(all, n)
	}
	return all, nil
}

func (s *scanner) duration() (time.Duration, error) {
	w := s.next()
	d, err := time.ParseDuration(w.text)
	if err != nil || d < 0 || d > 1000*time.Hour {
		return 0, s.expected(w, "a time such as 300ms, 74s, 8m or 2h")
	}
	return d, nil
}

// span reads N or N..M.
func span(text string) (lo, hi float64, ok bool) {
	a, b, found := strings.Cut(text, "..")
	lo, err := strconv.ParseFloat(a, 64)
	if err != nil || lo < 0 {
		return 0, 0, false
	}
	if !found {
		return lo, lo, true
	}
	hi, err = strconv.ParseFloat(b, 64)
	return lo, hi, err == nil && hi >= lo
}
