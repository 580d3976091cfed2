package lists

import (
	"fmt"
	"io"
	"net/netip"
	"slices"
)

// source is one file of it. Its parser calls its methods.
type source struct {
	im     *importer
	name   string
	format Format
	in     io.Reader // unpacked
	list   string    // of a .dat
	failed error     // ends the import
}

// alone are the formats that cannot say more than a name alone.
var alone = []Format{Hosts, CitizenLab, OONI, RKN}

// skip counts an entry that is left out on purpose.
func (s *source) skip() {
	s.im.Report.Read++
	s.im.Report.Skipped++
}

// bad reports an entry that cannot be read.
func (s *source) bad(line int, format string, args ...any) {
	s.im.Report.Read++
	s.im.Report.Bad++
	s.im.Report.Problems = s.problem(s.im.Report.Problems, line, format, args)
}

// cannot reports an entry that no list of dpilab can say.
func (s *source) cannot(line int, format string, args ...any) {
	s.im.Report.Read++
	s.im.Report.NotExpressible++
	s.im.Report.Inexpressible = s.problem(s.im.Report.Inexpressible, line, format, args)
}

func (s *source) problem(all []Problem, line int, format string, args []any) []Problem {
	if len(all) >= s.im.MaxErrors {
		return all
	}
	return append(all, Problem{s.name, line, s.list, fmt.Sprintf(format, args...)})
}

// note counts entries of which the reader of the report should know something; text is the same each time.
func (s *source) note(text string) {
	if s.im.notes[text]++; s.im.notes[text] == 1 {
		s.im.order = append(s.im.order, text)
	}
}

func (s *source) fail(err error) {
	if s.failed == nil {
		s.failed = err
	}
}

// add takes an entry of a form: a name in any writing, or the text of a pattern.
func (s *source) add(line int, f form, text string) { s.enter(line, &s.im.domains, f, text) }

// except takes an exception.
func (s *source) except(line int, f form, text string) { s.enter(line, &s.im.exceptions, f, text) }

func (s *source) enter(line int, to *domains, f form, text string) {
	checked, err := checkedText(f, text)
	if err != nil {
		s.bad(line, "%v", err)
		return
	}
	if f == formExact && s.im.Subdomains && slices.Contains(alone, s.format) {
		f = formTree
	}
	s.im.Report.Read++
	to.add(f, checked)
	s.room()
}

func (s *source) prefix(p netip.Prefix) {
	s.im.Report.Read++
	s.im.prefixes.add(p)
	s.room()
}

// room takes duplicates out when the sets have doubled, and fails the source when that leaves too much.
func (s *source) room() {
	im := s.im
	if im.MaxMemory <= 0 {
		return
	}
	if im.atSize == 0 {
		im.atSize = min(64<<20, im.MaxMemory)
	}
	if im.size() <= im.atSize {
		return
	}
	im.compact()
	size := im.size()
	if size > im.MaxMemory-im.MaxMemory/8 { // so that it is not done again with the next entry
		s.fail(im.place(s.name, 0, "found more entries than fit into the memory limit of %d MB (read so far: %d): raise --max-memory, or import less at once",
			im.MaxMemory>>20, im.Report.Read))
		return
	}
	im.atSize = min(max(2*size, im.atSize), im.MaxMemory)
}
