package lists

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
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
	Subdomains bool      // names of hosts, citizenlab, ooni and rkn, which are about a name alone, stand for all under them as well
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

// Import reads files. Lines that cannot be used are no error: they are in the Report, which is there with an error as well. An error is a
// *rules.Error where a file, or a place in it, is to blame; that nothing could be read from any file is one, too. The context ends an
// import of lines between two of them.
func Import(ctx context.Context, files []string, o Options) (*Result, error) {
	im := &importer{Options: o, stopped: ctx.Err, Result: &Result{}, notes: map[string]int{}}
	im.Report.chosen = o.choice()
	im.Report.Sources, im.Report.Problems, im.Report.Inexpressible, im.Report.Notes = []Source{}, []Problem{}, []Problem{}, []string{}
	for _, file := range files {
		if err := im.file(file); err != nil {
			im.finish()
			return im.Result, err
		}
	}
	im.finish()
	if err := im.unused(); err != nil {
		return im.Result, err
	}
	if im.Report.Kept == 0 {
		return im.Result, im.nothing()
	}
	return im.Result, nil
}

// unused is the error of an option that is about none of the files.
func (im *importer) unused() error {
	has := map[Format]bool{}
	for _, s := range im.Report.Sources {
		has[s.Format] = true
	}
	for _, o := range []struct {
		flag  string
		given bool
		of    []Format
	}{
		{"--tag", len(im.Tags) > 0, []Format{GeoSite, V2Fly}},
		{"--attribute", len(im.Attributes) > 0, []Format{GeoSite, V2Fly}},
		{"--country", len(im.Countries) > 0, []Format{GeoIP, MMDB}},
		{"--asn", len(im.ASNs) > 0, []Format{MMDB}},
		{"--subdomains", im.Subdomains, alone},
		{"--anomalies", im.Anomalies, []Format{OONI}},
	} {
		if o.given && !slices.ContainsFunc(o.of, func(f Format) bool { return has[f] }) {
			return fmt.Errorf("%s is about the formats %v, and none of the files has one", o.flag, o.of)
		}
	}
	return nil
}

// importer is an import under way.
type importer struct {
	Options
	*Result
	stopped func() error   // why to end early
	notes   map[string]int // how often each was
	order   []string       // of the notes
	atSize  int64          // at which duplicates are taken out
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
