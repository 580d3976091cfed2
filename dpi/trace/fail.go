package trace

import "fmt"

func fail(file string, at place, format string, args ...any) error {
	return &Error{File: file, Line: at.line, Column: at.column, Text: fmt.Sprintf(format, args...)}
}
