package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"dpilab/scenarios/matrix"
)

// matrixOut is where a matrix goes, and what it is compared with: the flags that dpilab matrix and dpilab merge have in common.
type matrixOut struct {
	json, html, markdown, junit, badge string

	baseline string
	update   bool
	require  bool // what was open and is skipped counts as a regression; each command has a flag for it

	keep string // dpilab matrix: the folder that has the captures, or ""; the result goes there too

	earlier *matrix.Baseline // what baseline has; nil: there is no such file yet
}

// exitCodes is the part of a command's help that says what write gives.
const exitCodes = `Exit code 1: with --baseline, a regression: a cell that was open and is not, by more than chance makes likely where chance plays a
part (Fisher's exact test at 5 %). What was skipped is no regression, unless --require is given. Without --baseline, a leak, or a cell that is
broken: nothing says what else ought to be open. A shard without --baseline is left to the merge.`

// flags adds the flags.
func (o *matrixOut) flags(fl *pflag.FlagSet) {
	fl.StringVar(&o.json, "json", "", "write the result as JSON to this `file`; - for standard output, without the table")
	fl.StringVar(&o.html, "html", "", "write the result as one page that needs nothing else to this `file`")
	fl.StringVar(&o.markdown, "markdown", "", "write the table in Markdown, as a job's summary, to this `file`")
	fl.StringVar(&o.junit, "junit", "", "write JUnit XML to this `file`: failures are what --baseline makes regressions; without it, leaks")
	fl.StringVar(&o.badge, "badge", "", "write a picture (SVG) that says how much is open to this `file`")
	fl.StringVar(&o.baseline, "baseline", "", "compare with this `file`, which --update wrote, or with a result")
	fl.BoolVar(&o.update, "update", false, "write the baseline anew; cells that were skipped or not run stay in it as they are")
}

// check refuses what could not be compared or written, before the work begins.
func (o *matrixOut) check() error {
	if o.baseline == "" {
		if o.update {
			return errors.New("--update writes a baseline: name its file with --baseline")
		}
		return nil
	}
	var err error
	o.earlier, err = matrix.ReadBaseline(o.baseline)
	switch {
	case errors.Is(err, os.ErrNotExist) && o.update:
		return nil
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("--baseline: %w; --update writes it", err)
	case err != nil:
		return fmt.Errorf("--baseline: %w", err)
	}
	return nil
}

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

// write gives the result, whose captures are named relative to o.keep or to the working directory, in every form that is asked for. The error
// is errSaid, with exit code 1, when something is not as it should be.
func (o *matrixOut) write(r *matrix.Result, stdout io.Writer) error {
	var c *matrix.Comparison
	if o.earlier != nil {
		c = matrix.Compare(r, o.earlier, o.require)
	}
	var err error
	if o.json == "-" {
		err = o.moved(r, ".", func(r *matrix.Result) error { return r.WriteJSON(stdout) })
	} else {
		err = errors.Join(o.table(r, c, stdout), o.toFile(r, o.json, (*matrix.Result).WriteJSON))
	}
	if o.keep != "" {
		err = errors.Join(err, os.MkdirAll(o.keep, 0o755), toFile(filepath.Join(o.keep, matrix.ResultFile), r.WriteJSON))
	}
	err = errors.Join(err,
		o.toFile(r, o.html, func(r *matrix.Result, w io.Writer) error { return r.WriteHTML(w, c) }),
		toFile(o.markdown, func(w io.Writer) error { return r.WriteMarkdown(w, c) }),
		toFile(o.junit, func(w io.Writer) error { return r.WriteJUnit(w, c) }),
		toFile(o.badge, r.WriteBadge),
	)
	if o.update {
		err = errors.Join(err, toFile(o.baseline, matrix.NewBaseline(r, o.earlier).WriteJSON))
	}
	if err == nil && !o.good(r, c) {
		return &exitError{exitUnexpected, errSaid}
	}
	return err
}

// good tells whether all is as it should be.
func (o *matrixOut) good(r *matrix.Result, c *matrix.Comparison) bool {
	switch {
	case o.update:
		return true
	case c != nil:
		return c.OK()
	case len(r.Shards) > 0:
		return true
	}
	n := r.Count("")
	return n[matrix.Leak] == 0 && n[matrix.Broken] == 0
}

func (o *matrixOut) table(r *matrix.Result, c *matrix.Comparison, stdout io.Writer) error {
	options := matrix.TableOptions{Width: widthOf(stdout), Colour: colours(stdout)}
	if err := r.WriteTable(stdout, options); err != nil || c == nil {
		return err
	}
	return c.Write(stdout, options)
}

// toFile writes a form that names captures.
func (o *matrixOut) toFile(r *matrix.Result, file string, write func(*matrix.Result, io.Writer) error) error {
	if file == "" {
		return nil
	}
	return o.moved(r, filepath.Dir(file), func(r *matrix.Result) error {
		return toFile(file, func(w io.Writer) error { return write(r, w) })
	})
}

func (o *matrixOut) moved(r *matrix.Result, to string, write func(*matrix.Result) error) error {
	r, err := r.Moved(o.keep, to)
	if err != nil {
		return err
	}
	return write(r)
}
