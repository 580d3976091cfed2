package rules

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"strings"
	"unsafe"
)

// longestLine is how long a line of a list may be, its comment included: a name has 253 bytes at most (choice).
const longestLine = 4 << 10

var mark = []byte("\ufeff")

// eachLine gives the lines that have something in them, one at least, without comments. The line is valid during the call. What is wrong
// with a line is an *Error with its place; any other error is one of the reader. No more than a line is in memory, but for a buffer.
func eachLine(file string, from io.Reader, longest int, read func(line []byte) error) error {
	buffer := make([]byte, 0, max(longest+1, 128<<10))
	n, found, end, start := 0, false, false, true
	for !end {
		more, err := io.ReadAtLeast(from, buffer[len(buffer):cap(buffer)], 1)
		if err != nil && err != io.EOF {
			return err
		}
		buffer, end = buffer[:len(buffer)+more], err == io.EOF
		rest := buffer
		if start {
			if !end && len(rest) < len(mark) {
				continue
			}
			start, rest = false, bytes.TrimPrefix(rest, mark)
		}
		for len(rest) > 0 {
			at := bytes.IndexByte(rest, '\n')
			if at < 0 && !end && len(rest) <= longest {
				break // the rest of the line is to come
			}
			n++
			if at < 0 && len(rest) > longest || at > longest {
				return &Error{File: file, Line: n, Text: fmt.Sprintf("found a line of more than %d bytes, expected one entry a line", longest)}
			}
			line := rest
			if rest = nil; at >= 0 {
				line, rest = line[:at], line[at+1:]
			}
			if line = content(line); len(line) == 0 {
				continue
			}
			if err := read(line); err != nil {
				return &Error{File: file, Line: n, Text: err.Error()}
			}
			found = true
		}
		buffer = buffer[:copy(buffer[:cap(buffer)], rest)]
	}
	if !found {
		return &Error{File: file, Line: 1, Text: "found no entry, expected at least one"}
	}
	return nil
}

// content is the line without its comment and the space around.
func content(line []byte) []byte {
	if at := bytes.IndexByte(line, '#'); at >= 0 {
		line = line[:at]
	}
	return bytes.TrimSpace(line)
}

// openList reads a list file. What is wrong in it is an *Error; any other error says that it cannot be read.
func openList(name, file string, fsys fs.FS, left *budget) (*List, error) {
	if _, ok := fsys.(osFiles); ok && strings.HasSuffix(file, domainsEnding) {
		return openFile(name, file, left)
	}
	f, err := fsys.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return readList(name, file, f, info.Size(), left)
}

// listReader fills a list.
type listReader struct {
	*List
	left *budget
}

// readList reads a list file, whose ending says its kind. Size is what the file says of itself, or 0: a hint.
func readList(name, file string, from io.Reader, size int64, left *budget) (*List, error) {
	l := listReader{&List{Name: name, File: file, domains: strings.HasSuffix(file, domainsEnding), suffixes: nameTable{width: 1}}, left}
	read := l.readPrefix
	if !l.domains {
		l.Prefixes = make([]netip.Prefix, 0, left.fits(size)/shortPrefix)
	} else {
		l.suffixes.entries = make([]byte, 0, left.fits(size)/4*5) // an entry has three bytes more than its name, a line one or two
		read = l.readName
	}
	if err := eachLine(file, from, longestLine, read); err != nil {
		return nil, err
	}
	if err := l.suffixes.build(func(into, value []byte) { into[0] |= value[0] }); err != nil {
		return nil, &Error{File: file, Text: err.Error()}
	}
	return l.List, nil
}

// readPrefix enters a line of a list of prefixes. What is right in it is not kept, so only a wrong one needs a copy.
func (l listReader) readPrefix(line []byte) error {
	p, err := parsePrefix(unsafe.String(&line[0], len(line)))
	if err != nil {
		_, err = parsePrefix(string(line))
		return err
	}
	l.Prefixes = append(l.Prefixes, p)
	return l.left.take(prefixCost)
}

// shortPrefix is how many bytes a line of a list of prefixes hardly ever falls short of.
const shortPrefix = 12

// readName enters a line of a list of domains. A plain name goes into the table as it is; parsePattern knows about all others, and what
// is wrong with them.
func (l listReader) readName(line []byte) error {
	name, hits := line, byte(hitsSelf|hitsUnder)
	switch {
	case line[0] == '=':
		name, hits = line[1:], hitsSelf
	case len(line) > 1 && line[0] == '*' && line[1] == '.':
		name, hits = line[2:], hitsUnder
	}
	if !plainName(name) {
		p, err := parsePattern(string(line))
		if err != nil {
			return err
		}
		if p.form >= formEnds {
			l.patterns = append(l.patterns, p)
			return l.left.take(p.cost())
		}
		name, hits = []byte(p.text), p.form.hits()
	}
	l.suffixes.add(name, hits)
	return l.left.take(nameCost + 2*len(name))
}

// plainName tells whether name can be nothing but a good name.
func plainName(name []byte) bool {
	label := 0
	for _, c := range name {
		switch {
		case c != '.':
			if !nameLetters[c] {
				return false
			}
			label++
		case label == 0 || label > maxLabel:
			return false
		default:
			label = 0
		}
	}
	return 0 < label && label <= maxLabel && len(name) <= maxName && !(digit(name[0]) && digit(name[len(name)-1])) // or it may be an address
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// nameLetters are those that a label may have.
var nameLetters = func() (all [256]bool) {
	for i := range all {
		c := lowerByte(byte(i))
		all[i] = nameByte(c) && c != '.'
	}
	return all
}()
