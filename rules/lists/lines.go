package lists

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"
)

// maxLine is how long a line, or a record of a CSV file, may be. Lines of the register's dump with their addresses and pages reach
// some 100 kB (choice).
const maxLine = 1 << 20

// linesAtOnce are read before the context is asked again.
const linesAtOnce = 4096

// readBuffer holds more than most lines.
const readBuffer = 1 << 16

// lines gives the lines of a file with their numbers, without their ends and without a byte order mark. One that is too long is reported
// and passed over. It ends early with an error of the file or the set; see source.failed.
func (s *source) lines() iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		in := bufio.NewReaderSize(s.in, readBuffer)
		for n := 1; ; n++ {
			line, long, err := readLine(in)
			if n == 1 {
				line = bytes.TrimPrefix(line, []byte("\ufeff"))
			}
			switch {
			case err != nil && !errors.Is(err, io.EOF):
				s.fail(s.im.place(s.name, n, "cannot read on: %v", err))
				return
			case err != nil && len(line) == 0 && long == 0:
				return
			case n%linesAtOnce == 0 && s.im.stopped() != nil:
				s.fail(s.im.stopped())
				return
			case long > 0:
				s.bad(n, "found a line of %d bytes, expected %d or fewer", long, maxLine)
			case !yield(n, string(bytes.TrimSuffix(line, []byte("\r")))):
				return
			}
			if err != nil || s.failed != nil {
				return
			}
		}
	}
}

// readLine reads a line, which is good until the next call. Of one that is too long it gives only the length.
func readLine(in *bufio.Reader) (line []byte, long int, err error) {
	line, err = in.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return bytes.TrimSuffix(line, []byte("\n")), 0, err
	}
	all, length := bytes.Clone(line), len(line)
	for errors.Is(err, bufio.ErrBufferFull) {
		line, err = in.ReadSlice('\n')
		length += len(line)
		if length <= maxLine+1 {
			all = append(all, line...)
		}
	}
	if length > maxLine+1 {
		return nil, length, err
	}
	return bytes.TrimSuffix(all, []byte("\n")), 0, err
}
