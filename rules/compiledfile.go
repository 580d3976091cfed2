package rules

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

const compiledEnding = ".compiled"

// compileNames is how many names a list must have for its compiled form to be put beside it unasked (choice): below, reading the text is as quick
// as a person can tell.
var compileNames = 100_000

// mapping is a file in memory, read-only. It is unmapped once nothing holds it: whoever reads the bytes must hold it, or what holds it, alive.
type mapping struct{ data []byte }

// CompileList writes the compiled form of a list of domains beside it, FILE.compiled, whatever its length, and gives its path. Policies
// that are read from the file system use it in place of the text, whose SHA-256 it has, as long as that is the same; it is not
// portable to other versions. Lists of 100,000 names and more are compiled when they are first read, if their folder can be written.
//
// The file is mapped into memory, and replaced as a whole, never changed: no one must cut it while it is in use. What is wrong in the list is an *Error.
func CompileList(file string) (out string, err error) {
	if !strings.HasSuffix(file, domainsEnding) {
		return "", &Error{File: file, Text: "cannot be compiled, expected a list of domains, which ends in " + domainsEnding}
	}
	f, err := os.Open(file)
	if err != nil {
		return "", &Error{File: file, Text: "cannot read the list: " + cause(err)}
	}
	defer f.Close()
	l, text, err := readSummed(file, f, newBudget())
	if bad := (*Error)(nil); err != nil && !errors.As(err, &bad) {
		err = &Error{File: file, Text: "cannot read the list: " + cause(err)}
	}
	if err != nil {
		return "", err
	}
	if err := l.saveCompiled(text); err != nil {
		return "", &Error{File: file, Text: "cannot write the compiled list: " + cause(err)}
	}
	return file + compiledEnding, nil
}

// openFile is openList for a list of domains in the file system: it takes the compiled form if it is that of this text, and else makes it if the
// list is long.
func openFile(name, file string, left *budget) (*List, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	l := &List{Name: name, File: file}
	if l.openCompiled(f) == nil {
		return l, nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	l, text, err := readSummed(file, f, left)
	if err != nil {
		return nil, err
	}
	if l.Name = name; l.suffixes.count >= compileNames {
		_ = l.saveCompiled(text) // the next time will be slow again, no more
	}
	return l, nil
}

// readSummed reads a text and names it.
func readSummed(file string, f *os.File, left *budget) (*List, textSum, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, textSum{}, err
	}
	sum := sha256.New()
	counted := &countedReader{from: io.TeeReader(f, sum)}
	l, err := readList("", file, counted, info.Size(), left)
	return l, textSum{[sha256.Size]byte(sum.Sum(nil)), counted.bytes}, err
}

type countedReader struct {
	from  io.Reader
	bytes uint64
}

func (r *countedReader) Read(b []byte) (n int, err error) {
	n, err = r.from.Read(b)
	r.bytes += uint64(n)
	return n, err
}

// openCompiled takes the compiled form of a text. The text is read only if the file beside it can be that.
func (l *List) openCompiled(text *os.File) error {
	f, err := os.OpenFile(l.File+compiledEnding, os.O_RDONLY|unix.O_NONBLOCK, 0) // so that a pipe cannot hold it up
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return errNotSound
	}
	var header [compiledHeader]byte
	if _, err := io.ReadFull(f, header[:]); err != nil {
		return err
	}
	made, err := compiledText(header[:])
	if err != nil {
		return err
	}
	if is, err := text.Stat(); err != nil || is.Size() != int64(made.size) {
		return errOtherText
	}
	sum := sha256.New()
	n, err := io.CopyBuffer(sum, struct{ io.Reader }{text}, make([]byte, 256<<10))
	if err != nil {
		return err
	}
	m, err := mapFile(f, info.Size())
	if err != nil {
		return err
	}
	l.mapped = m
	return l.readCompiled(m.data, textSum{[sha256.Size]byte(sum.Sum(nil)), uint64(n)})
}

func mapFile(f *os.File, size int64) (*mapping, error) {
	if size != int64(int(size)) {
		return nil, fmt.Errorf("%d bytes are too many", size)
	}
	data, err := unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return nil, err
	}
	m := &mapping{data}
	runtime.AddCleanup(m, func(data []byte) { _ = unix.Munmap(data) }, data)
	return m, nil
}

// saveCompiled puts the compiled form in its place as a whole, or leaves what was there.
func (l *List) saveCompiled(text textSum) error {
	out := l.File + compiledEnding
	f, err := os.CreateTemp(filepath.Dir(out), filepath.Base(out)+".*.tmp")
	if err != nil {
		return err
	}
	err = l.writeCompiled(f, text)
	if info, bad := os.Stat(l.File); err == nil && bad == nil {
		err = f.Chmod(info.Mode().Perm()) // whoever may read the list may read this
	}
	if bad := f.Close(); err == nil {
		err = bad
	}
	if err == nil {
		err = os.Rename(f.Name(), out)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
