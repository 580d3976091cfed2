package lists

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"

	"dpilab/rules"
)

// Options say how to import. The zero value finds out formats, takes every entry, lists no problems and has no memory limit.
type Options struct {
	Format     Format    // of every file
	Tags       []string  // lists of a geosite .dat, or of a folder of domain-list-community, without regard to case
	Countries  []string  // two-letter codes: lists of a geoip .dat, records of a MaxMind DB
	ASNs       []uint32  // records of a MaxMind DB
	Attributes []string  // an entry must have all of them (ads or @ads), and none of those with a minus (-cn, @-cn)
	Subdomains bool      // names that a format has alone stand for all under them as well
	Anomalies  bool      // of OONI measurements, anomalies too
	MaxErrors  int       // problems to list, of each kind
	MaxMemory  int64     // bytes that entries may take; 0: no limit
	Input      io.Reader // what the file "-" is
}

// Result is what files have together.
type Result struct {
	Report Report

	domains    domains
	prefixes   prefixes
	exceptions domains
}

// Import reads files. The error is a *rules.Error where a place in a file is to blame; it says also that nothing could be read from
// any of them. Lines that cannot be used are no error: they are in the Report, which is there with an error as well.
func Import(files []string, o Options) (*Result, error) {
	im := &importer{Options: o, Result: &Result{}, notes: map[string]int{}}
	im.Report.chosen = o.choice()
	im.Report.Sources, im.Report.Problems, im.Report.Inexpressible, im.Report.Notes = []Source{}, []Problem{}, []Problem{}, []string{}
	for _, file := range files {
		if err := im.file(file); err != nil {
			im.finish()
			return im.Result, err
		}
	}
	im.finish()
	if im.Report.Kept == 0 {
		return im.Result, im.nothing()
	}
	return im.Result, nil
}

// importer is an import under way.
type importer struct {
	Options
	*Result
	notes  map[string]int // how often each was
	order  []string       // of the notes
	atSize int64          // at which duplicates are taken out
}

// source is one file of it. Its parser calls its methods.
type source struct {
	im     *importer
	name   string
	format Format
	in     io.Reader // unpacked
	list   string    // of a .dat
	failed error     // ends the import
}

// parsers reads each format. They report lines that cannot be used, and fail the source for the rest.
var parsers = map[Format]func(*source){
	Plain: plain, Hosts: hosts, AdBlock: adblock, Zapret: zapret, V2Fly: v2fly, GeoSite: geosite, CitizenLab: citizenLab, OONI: ooni,
	RKN: rkn, CIDR: cidr, GeoIP: geoip, MMDB: mmdb,
}

func (im *importer) file(file string) error {
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return im.folder(file)
	}
	in, err := im.open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	packed := bufio.NewReaderSize(in, readBuffer)
	s := &source{im: im, name: file, in: packed}
	if magic, _ := packed.Peek(2); string(magic) == "\x1f\x8b" {
		z, err := gzip.NewReader(packed)
		if err != nil {
			return im.place(file, 0, "cannot unpack: %v", err)
		}
		s.in = z
	}
	text := bufio.NewReaderSize(s.in, readBuffer)
	s.in = text
	head, err := text.Peek(readBuffer)
	if err != nil && !errors.Is(err, io.EOF) {
		return im.place(file, 0, "cannot read: %v", err)
	}
	if s.format = im.Format; s.format == Detect {
		if s.format, err = detect(file, head); err != nil {
			return im.place(file, 0, "%v", err)
		}
	}
	im.Report.Sources = append(im.Report.Sources, Source{file, s.format})
	parsers[s.format](s)
	return s.failed
}

func (im *importer) open(file string) (io.ReadCloser, error) {
	if file == "-" && im.Input != nil {
		return io.NopCloser(im.Input), nil
	}
	return os.Open(file)
}

func (im *importer) place(file string, line int, format string, args ...any) error {
	return &rules.Error{File: file, Line: line, Text: fmt.Sprintf(format, args...)}
}

// read counts entries before it is known what becomes of them.
func (s *source) read(n int) { s.im.Report.Read += n }

// skip counts an entry that is left out on purpose.
func (s *source) skip() { s.im.Report.Skipped++ }

func (s *source) bad(line int, format string, args ...any) {
	s.im.Report.Bad++
	s.im.Report.Problems = s.problem(s.im.Report.Problems, line, format, args)
}

// cannot reports an entry that no list of dpilab can say.
func (s *source) cannot(line int, format string, args ...any) {
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
	s.read(1)
	if f == formRegexp {
		s.cannot(line, "%s is a regular expression", shown(text))
		return
	}
	checked, err := checkedText(f, text)
	if err != nil {
		s.bad(line, "%v", err)
		return
	}
	if f == formExact && s.im.Subdomains {
		f = formTree
	}
	to.add(f, checked)
	s.room()
}

func (s *source) prefix(p netip.Prefix) {
	s.read(1)
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

func (im *importer) size() int64 {
	return im.domains.size() + im.prefixes.size() + im.exceptions.size()
}

func (im *importer) compact() {
	im.Report.add(im.domains.compact())
	im.Report.add(im.prefixes.compact())
	im.Report.add(im.exceptions.compact())
}

func (im *importer) finish() {
	im.compact()
	r := &im.Report
	r.Domains, r.Prefixes, r.Exceptions = len(im.domains.index), len(im.prefixes.all), len(im.exceptions.index)
	r.Kept = r.Domains + r.Prefixes + r.Exceptions
	for _, text := range im.order {
		r.Notes = append(r.Notes, counted(im.notes[text], "entry", "entries")+" "+text)
	}
}

// nothing is the error of an import without an entry.
func (im *importer) nothing() error {
	if len(im.Report.Sources) == 0 {
		return errors.New("found no file to import")
	}
	var names []string
	for _, s := range im.Report.Sources {
		names = append(names, s.File+" as "+s.Format.String())
	}
	return errors.New("nothing could be read from " + strings.Join(names, ", "))
}
