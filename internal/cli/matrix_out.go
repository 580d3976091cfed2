package cli

import (
	"errors"
	"io"
	"path/filepath"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"dpilab/scenarios/matrix"
)

// matrixOut is where a matrix goes: the flags that dpilab matrix and dpilab merge have in common.
type matrixOut struct {
	json string
	keep string // the folder that has the captures, or ""; the result goes there too
}

// flags adds the flags.
func (o *matrixOut) flags(fl *pflag.FlagSet) {
	fl.StringVar(&o.json, "json", "", "write the result as JSON to this `file`; - for standard output, without the table")
}

// check refuses what could not be written, before the work begins.
func (o *matrixOut) check() error { return nil }

// live gives what shows a matrix while it runs, on w: standard error.
func (o *matrixOut) live(w io.Writer) *matrix.Live {
	options := matrix.LiveOptions{Colour: colours(w), Width: widthOf(w)}
	if fd, ok := terminalOf(w); ok {
		options.Terminal = true
		if _, height, err := term.GetSize(fd); err == nil {
			options.Height = height
		}
	}
	return matrix.NewLive(w, options)
}

// write gives the result in every form that is asked for. The error is errSaid, with exit code 1, when something is not as it should be.
func (o *matrixOut) write(r *matrix.Result, stdout io.Writer) error {
	var err error
	if o.json == "-" {
		err = r.WriteJSON(stdout)
	} else {
		err = errors.Join(r.WriteTable(stdout, matrix.TableOptions{Width: widthOf(stdout), Colour: colours(stdout)}), toFile(o.json, r.WriteJSON))
	}
	if o.keep != "" {
		err = errors.Join(err, toFile(filepath.Join(o.keep, matrix.ResultFile), r.WriteJSON))
	}
	return err
}
