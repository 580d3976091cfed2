package strictyaml

import "strconv"

// Error is what is wrong with a file, and where. Its message is one line.
type Error struct {
	File   string
	Line   int // from 1; 0 where the whole file is meant
	Column int // from 1; 0 where the whole line is meant
	Text   string
}

// Error gives file:line:column: text.
func (e *Error) Error() string {
	at := e.File
	if e.Line > 0 {
		at += ":" + strconv.Itoa(e.Line)
		if e.Column > 0 {
			at += ":" + strconv.Itoa(e.Column)
		}
	}
	return at + ": " + e.Text
}
