package matrix

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// SchemaName is what a result's "schema" says. It changes only when what reads results must change.
const SchemaName = "dpilab-matrix/1"

// ResultFile is the name of the result in a folder of captures.
const ResultFile = "result.json"

//go:embed schema.json
var schema []byte

// Schema gives the JSON schema (draft 2020-12) of a result. The caller owns it.
func Schema() []byte { return bytes.Clone(schema) }

// WriteJSON writes the result as one object.
func (r *Result) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(r)
}

// FileError is a file that holds no result, or a broken one.
type FileError struct {
	File   string
	Line   int // from 1; 0 where the whole file is meant
	Column int
	Text   string
}

// Error gives file:line:column: text.
func (e *FileError) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Text
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Text)
}

// ReadFile reads the result in a file, or that of a folder (ResultFile).
func ReadFile(name string) (*Result, error) {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		name = strings.TrimSuffix(name, "/") + "/" + ResultFile
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return Parse(name, data)
}

// Parse reads a result. The file's name is for messages. Errors are of type *FileError.
func Parse(file string, data []byte) (*Result, error) {
	r := new(Result)
	if err := parseJSON(file, data, SchemaName, "a result of dpilab matrix --json", r); err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, &FileError{File: file, Text: err.Error()}
	}
	return r, nil
}

// parseJSON reads one object of a kind strictly: nothing unknown, nothing after it.
func parseJSON(file string, data []byte, kind, what string, into any) error {
	var head struct {
		Schema *string `json:"schema"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return placed(file, data, err, what)
	}
	switch {
	case head.Schema == nil:
		return &FileError{File: file, Text: fmt.Sprintf(`found JSON without "schema", expected %s`, what)}
	case *head.Schema != kind:
		text := fmt.Sprintf("found schema %q, expected %q: %s", *head.Schema, kind, what)
		if name, _, _ := strings.Cut(kind, "/"); strings.HasPrefix(*head.Schema, name+"/") {
			text += "; this file is of another version of dpilab"
		}
		return &FileError{File: file, Text: text}
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return placed(file, data, err, what)
	}
	return nil
}

// placed says where in a file something is wrong.
func placed(file string, data []byte, err error, what string) error {
	e := &FileError{File: file}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		e.Text = "found an empty file, expected " + what
	case errors.As(err, &syntax):
		e.Line, e.Column = place(data, syntax.Offset)
		e.Text = fmt.Sprintf("%s; expected %s", strings.TrimPrefix(syntax.Error(), "json: "), what)
	case errors.As(err, &kind):
		e.Line, e.Column = place(data, kind.Offset)
		e.Text = fmt.Sprintf("%s: found a JSON %s, expected %s", orTop(kind.Field), kind.Value, kind.Type)
	default:
		e.Text = strings.TrimPrefix(err.Error(), "json: ") + "; is the file of another version of dpilab?"
	}
	return e
}

func orTop(field string) string {
	if field == "" {
		return "the whole"
	}
	return field
}

// place gives line and column of the byte before an offset, both from 1.
func place(data []byte, offset int64) (line, column int) {
	before := data[:min(max(offset-1, 0), int64(len(data)))]
	line = 1 + bytes.Count(before, []byte{'\n'})
	return line, len(before) - bytes.LastIndexByte(before, '\n')
}

// check refuses a result that contradicts itself.
func (r *Result) check() error {
	tools, phases, cells := map[string]bool{}, map[string]*Phase{}, map[string]bool{}
	for i := range r.Tools {
		name := r.Tools[i].Name
		if name == "" || tools[name] {
			return fmt.Errorf("tools[%d]: found name %q, expected a name that stands once", i, name)
		}
		tools[name] = true
	}
	for i := range r.Phases {
		p := &r.Phases[i]
		key := p.Scenario + "/" + p.Name
		if p.Scenario == "" || p.Name == "" || phases[key] != nil {
			return fmt.Errorf("phases[%d]: found scenario and name %q, expected both, and once", i, key)
		}
		phases[key] = p
	}
	for i := range r.Cells {
		c := &r.Cells[i]
		p := phases[c.Scenario+"/"+c.Phase]
		key := cellKey(c.Tool, c.Scenario, c.Phase)
		switch {
		case !tools[c.Tool]:
			return fmt.Errorf("cells[%d]: its tool %q is none of tools", i, c.Tool)
		case p == nil:
			return fmt.Errorf("cells[%d]: its phase %q is none of phases", i, c.Scenario+"/"+c.Phase)
		case p.Policy != c.Policy:
			return fmt.Errorf("cells[%d]: found policy %q, expected %q, which its phase has", i, c.Policy, p.Policy)
		case !slices.Contains(Statuses, c.Status):
			return fmt.Errorf("cells[%d]: found status %q, expected one of %s", i, c.Status, statusWords())
		case c.Tries < 0 || c.Reached < 0 || c.Reached > c.Tries || c.Flakes < 0 || c.Flakes > c.Tries:
			return fmt.Errorf("cells[%d]: reached %d of %d tries, %d flakes: that cannot be", i, c.Reached, c.Tries, c.Flakes)
		case cells[key]:
			return fmt.Errorf("cells[%d]: %s stands twice", i, c)
		}
		cells[key] = true
	}
	return nil
}

func statusWords() string {
	words := make([]string, len(Statuses))
	for i, s := range Statuses {
		words[i] = string(s)
	}
	return strings.Join(words, ", ")
}
