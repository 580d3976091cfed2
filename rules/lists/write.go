package lists

import (
	"bufio"
	"io"
)

// WriteDomains writes the domains as a .domains file.
func (r *Result) WriteDomains(w io.Writer) error { return r.writeNames(w, &r.domains) }

// WriteExceptions writes what an AdBlock-style list excepts as a .domains file, for an unless.
func (r *Result) WriteExceptions(w io.Writer) error { return r.writeNames(w, &r.exceptions) }

func (r *Result) writeNames(w io.Writer, d *domains) error {
	b := bufio.NewWriterSize(w, readBuffer)
	b.WriteString(r.Report.header())
	for entry := range d.each {
		b.Write(entry)
		b.WriteByte('\n')
	}
	return b.Flush()
}

// WritePrefixes writes the prefixes as a .prefixes file.
func (r *Result) WritePrefixes(w io.Writer) error {
	b := bufio.NewWriterSize(w, readBuffer)
	b.WriteString(r.Report.header())
	var room [64]byte
	for _, p := range r.prefixes.all {
		b.Write(p.AppendTo(room[:0]))
		b.WriteByte('\n')
	}
	return b.Flush()
}
