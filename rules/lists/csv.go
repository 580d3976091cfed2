package lists

import (
	"encoding/csv"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strings"
)

const (
	notePage      = "about a page or a file, taken for the whole name"
	noteUnblocked = "skipped for want of confirmed blocking (--anomalies takes anomalies as well)"
)

// nameColumns are where a CSV file may have what was blocked, the first that is there.
var nameColumns = []string{"input", "url", "domain", "hostname"}

// detectCSV knows a file by its header.
func detectCSV(header string) Format {
	columns, err := csv.NewReader(strings.NewReader(header)).Read()
	if err != nil || len(columns) < 2 {
		return Detect
	}
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return column(columns, n) >= 0 })
	}
	switch {
	case has("url") && has("category_code"):
		return CitizenLab
	case has(nameColumns...) && has("probe_cc", "probe_asn", "report_id", "measurement_uid", "confirmed", "confirmed_count", "anomaly_count", "measurement_start_time"):
		return OONI
	}
	return Detect
}

func column(columns []string, name string) int {
	return slices.IndexFunc(columns, func(c string) bool { return strings.EqualFold(strings.TrimSpace(c), name) })
}

// citizenLab reads a test list (citizenlab/test-lists, docs/spec.md).
func citizenLab(s *source) {
	at := -1
	s.records(func(columns []string) error {
		if at = column(columns, "url"); at < 0 {
			return errors.New("found no column url in the first line")
		}
		return nil
	}, func(n int, record []string) { s.record(n, record, at) })
}

// ooni reads measurements, or counts of them.
func ooni(s *source) {
	at, confirmed := -1, []int{}
	s.records(func(columns []string) error {
		for _, name := range nameColumns {
			if at < 0 {
				at = column(columns, name)
			}
		}
		marks := []string{"confirmed", "confirmed_count"}
		if s.im.Anomalies {
			marks = append(marks, "anomaly", "anomaly_count")
		}
		for _, name := range marks {
			if i := column(columns, name); i >= 0 {
				confirmed = append(confirmed, i)
			}
		}
		if at < 0 {
			return errors.New("found no column input, url, domain or hostname in the first line")
		}
		return nil
	}, func(n int, record []string) {
		if len(confirmed) > 0 && !slices.ContainsFunc(confirmed, func(i int) bool { return i < len(record) && yes(record[i]) }) {
			s.skip()
			s.note(noteUnblocked)
			return
		}
		s.record(n, record, at)
	})
}

// yes reads a truth or a number of measurements.
func yes(s string) bool {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "", "0", "f", "false", "no", "null", "none":
		return false
	}
	return true
}

// records gives the columns of a CSV file, and its records with the lines where they begin.
func (s *source) records(columns func([]string) error, yield func(int, []string)) {
	in := &bounded{in: s.in}
	r := csv.NewReader(in)
	r.FieldsPerRecord, r.LazyQuotes, r.ReuseRecord = -1, true, true
	for first := true; s.failed == nil; {
		in.left = maxLine
		record, err := r.Read()
		var parse *csv.ParseError
		switch n, _ := place(r, record); {
		case errors.Is(err, io.EOF):
			return
		case errors.As(err, &parse):
			s.bad(parse.StartLine, "%v", parse.Err)
		case errors.Is(err, errLong):
			s.fail(s.im.place(s.name, n, "found a record longer than %d bytes: a quotation mark may not be closed", maxLine))
		case err != nil:
			s.fail(s.im.place(s.name, n, "cannot read on: %v", err))
		case n%linesAtOnce == 0 && s.im.stopped() != nil:
			s.fail(s.im.stopped())
		case first:
			first = false
			record[0] = strings.TrimPrefix(record[0], "\ufeff")
			if err := columns(record); err != nil {
				s.fail(s.im.place(s.name, n, "%v", err))
			}
		default:
			yield(n, record)
		}
	}
}

// place is where a record begins.
func place(r *csv.Reader, record []string) (line, col int) {
	if len(record) == 0 {
		return 0, 0
	}
	return r.FieldPos(0)
}

var errLong = errors.New("record too long")

// bounded ends with errLong when more is read at once than a record may have.
type bounded struct {
	in   io.Reader
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLong
	}
	n, err := b.in.Read(p[:min(len(p), readBuffer)])
	b.left -= n
	return n, err
}

func (s *source) record(n int, record []string, at int) {
	if at >= len(record) {
		s.bad(n, "found %s, expected %d or more", counted(len(record), "column", "columns"), at+1)
		return
	}
	s.url(n, record[at])
}

// url takes the name or address of an URL, or what stands alone, as that name only.
func (s *source) url(n int, text string) {
	host, page := hostOf(text)
	if host == "" {
		s.bad(n, "found %s, expected an address of a site", shown(text))
		return
	}
	if page {
		s.note(notePage)
	}
	if a, err := netip.ParseAddr(host); err == nil && a.Zone() == "" {
		a = a.Unmap()
		s.prefix(netip.PrefixFrom(a, a.BitLen()))
		return
	}
	s.add(n, formExact, host)
}

// hostOf gives the host of an URL, without user and port, and tells whether a path or a question follows it. It is more lenient than
// net/url: paths in lists have any bytes.
func hostOf(text string) (host string, page bool) {
	text = strings.TrimSpace(text)
	if _, rest, ok := strings.Cut(text, "://"); ok {
		text = rest
	}
	host = text
	if i := strings.IndexAny(text, `/?#\`); i >= 0 {
		host, page = text[:i], len(text) > i+1
	}
	host = host[strings.LastIndexByte(host, '@')+1:]
	if inside, ok := strings.CutPrefix(host, "["); ok {
		inside, _, _ = strings.Cut(inside, "]")
		return inside, page
	}
	if strings.Count(host, ":") == 1 {
		host, _, _ = strings.Cut(host, ":")
	}
	return host, page
}
