package lists

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// Problem is one thing in a file that could not be used.
type Problem struct {
	File string `json:"file"`
	// Line counts from 1: lines of text, entries of a list in a .dat; 0 where neither fits.
	Line int    `json:"line,omitempty"`
	List string `json:"list,omitempty"` // of a .dat
	Text string `json:"text"`
}

// String is one line that begins with the place.
func (p Problem) String() string {
	switch {
	case p.List != "" && p.Line == 0:
		return fmt.Sprintf("%s: %s: %s", p.File, p.List, p.Text)
	case p.List != "":
		return fmt.Sprintf("%s: %s, entry %d: %s", p.File, p.List, p.Line, p.Text)
	case p.Line > 0:
		return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Text)
	}
	return p.File + ": " + p.Text
}

// Source is one file that was read.
type Source struct {
	File   string `json:"file"`
	Format Format `json:"format"`
}

// Counts are entries. Read is the sum of Kept and all others.
type Counts struct {
	Read           int `json:"read"`
	Kept           int `json:"kept"`
	Duplicates     int `json:"duplicates"`
	Covered        int `json:"covered"`         // others of the list hold them
	Merged         int `json:"merged"`          // two became one that means the same
	Bad            int `json:"bad"`             // cannot be read
	NotExpressible int `json:"not_expressible"` // can be read, but no list of dpilab can say it
	Skipped        int `json:"skipped"`         // left out as asked, or as the format has it
}

func (c *Counts) add(o Counts) {
	c.Duplicates += o.Duplicates
	c.Covered += o.Covered
	c.Merged += o.Merged
}

// Report is what became of all entries: names, prefixes and lines that could not be used. A line may have several.
type Report struct {
	Sources []Source `json:"sources"`
	Counts
	Domains    int `json:"domains"` // Kept, by kind
	Prefixes   int `json:"prefixes"`
	Exceptions int `json:"exceptions"`
	// Problems and Inexpressible are the first ones, Options.MaxErrors of each at most; Bad and NotExpressible count all.
	Problems      []Problem `json:"problems"`
	Inexpressible []Problem `json:"inexpressible"`
	Notes         []string  `json:"notes"` // what was decided that a reader should know
	chosen        string    // see Options.choice
}

// Summary says the counts in a line.
func (r *Report) Summary() string {
	s := fmt.Sprintf("%s read, %d kept (%s, %s", counted(r.Read, "entry", "entries"), r.Kept, counted(r.Domains, "domain", "domains"),
		counted(r.Prefixes, "prefix", "prefixes"))
	if r.Exceptions > 0 {
		s += ", " + counted(r.Exceptions, "exception", "exceptions")
	}
	s += fmt.Sprintf("); %s, %d covered, %d merged without loss, %d bad, %d not expressible", counted(r.Duplicates, "duplicate", "duplicates"),
		r.Covered, r.Merged, r.Bad, r.NotExpressible)
	if r.Skipped > 0 {
		s += fmt.Sprintf(", %d skipped", r.Skipped)
	}
	return s
}

// mostHeader keeps the header within a line of a list.
const mostHeader = 1000

// header names the files and their formats, without folders: the same files give the same list wherever they are.
func (r *Report) header() string {
	s := "# by dpilab lists import from"
	for i, f := range r.Sources {
		if i > 0 {
			s += ","
		}
		s += fmt.Sprintf(" %s (%s)", printable(filepath.Base(f.File)), f.Format)
	}
	if s += r.chosen; len(s) > mostHeader {
		s = strings.ToValidUTF8(s[:mostHeader], "") + " ..."
	}
	return s + "\n"
}

// choice says which entries of the files were asked for.
func (o *Options) choice() (s string) {
	add := func(flag string, words ...string) {
		if len(words) > 0 {
			s += " " + flag + " " + printable(strings.Join(words, ","))
		}
	}
	add("tag", o.Tags...)
	add("country", o.Countries...)
	var systems []string
	for _, n := range o.ASNs {
		systems = append(systems, strconv.FormatUint(uint64(n), 10))
	}
	add("asn", systems...)
	add("attribute", o.Attributes...)
	return s
}

// printable keeps a name on its line.
func printable(name string) string {
	if q := strconv.Quote(name); q != `"`+name+`"` {
		return q
	}
	return name
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
