package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"dpilab/dpi/trace"
	"dpilab/lab"
)

type traceFlags struct {
	live    bool
	skip    bool
	json    bool
	verbose bool
}

func traceCommand() *cobra.Command {
	var f traceFlags
	c := &cobra.Command{
		Use:   "trace FILE|NAME...",
		Short: "Run packet scripts against the box, and compare what comes out with what they expect",
		Long: `Run traces at virtual time or, with --live, through the kernel: namespaces, queues, and two ends without an IP stack. Traces that cannot
run live are left out, and say why. A trace is the name of one that ships, or a file that ends in .trace; without any, all that ship are run.
Each gets a line; one that fails shows its script, with what came out beside each line. Exit code 0: all as expected.`,
		Example: `  dpilab trace
  dpilab trace O026 -v
  dpilab trace ./mine.trace`,
		RunE: func(cmd *cobra.Command, names []string) error {
			if f.skip && !f.live {
				return errors.New("--skip goes with --live: without it, no wait takes time anyway")
			}
			if len(names) == 0 {
				names = trace.Names()
			}
			if f.live {
				lab.Enter()
			}
			return f.run(cmd.Context(), names, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	c.Flags().BoolVar(&f.live, "live", false, "run through the kernel, in real time")
	c.Flags().BoolVar(&f.skip, "skip", false, "with --live, set the boxes' clocks forward instead of waiting: traces with long waits run as well")
	c.Flags().BoolVar(&f.json, "json", false, "write a line of JSON for each trace")
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "show the scripts of traces that hold as well")
	return c
}

// tracedJSON is a trace's line of --json.
type tracedJSON struct {
	Name         string          `json:"name"`
	Observations []string        `json:"observations"`
	About        string          `json:"about,omitempty"`
	Source       string          `json:"source"`
	Confidence   string          `json:"confidence"`
	OK           bool            `json:"ok"`
	Live         bool            `json:"live"`
	Skipped      string          `json:"skipped,omitempty"` // why it did not run
	Failures     []traceFailJSON `json:"failures,omitempty"`
}

type traceFailJSON struct {
	Line     int    `json:"line"`
	Expected string `json:"expected"`
	Got      string `json:"got"`
}

func (f *traceFlags) run(ctx context.Context, names []string, stdout, stderr io.Writer) error {
	open := trace.Open(trace.NewVirtual)
	if f.live {
		open = lab.Live(lab.PathOptions{Skip: f.skip})
	}
	ran, bad, broken := 0, 0, 0
	for _, name := range names {
		t, err := trace.Find(name)
		if err != nil {
			fmt.Fprintln(stderr, "dpilab:", err)
			broken++
			continue
		}
		if ok, why := f.runs(t); !ok {
			if err := f.leaveOut(t, why, stdout); err != nil {
				return err
			}
			continue
		}
		r, err := trace.Run(ctx, t, open)
		if err != nil {
			if f.live {
				err = explained(err)
			}
			return err
		}
		if ran++; !r.OK() {
			bad++
		}
		if err := f.write(r, stdout); err != nil {
			return err
		}
	}
	if broken > 0 {
		return &exitError{exitUsage, errSaid}
	}
	if !f.json && len(names) > 1 {
		fmt.Fprintf(stdout, "%d of %d as expected\n", ran-bad, ran)
	}
	if bad > 0 {
		return &exitError{exitUnexpected, errSaid}
	}
	return nil
}

// runs tells whether a trace can run in the way that is asked for.
func (f *traceFlags) runs(t *trace.Trace) (ok bool, why string) {
	switch {
	case !f.live:
		return true, ""
	case f.skip:
		return t.LiveWithoutWaits()
	}
	return t.Live()
}

func (f *traceFlags) leaveOut(t *trace.Trace, why string, out io.Writer) error {
	if f.json {
		line := lineOf(t)
		line.Live, line.Skipped = true, why
		return json.NewEncoder(out).Encode(line)
	}
	_, err := fmt.Fprintf(out, "%-28s %-14s %-3s not live: %s\n", t.Name, strings.Join(t.IDs, " "), t.Confidence, why)
	return err
}

func lineOf(t *trace.Trace) tracedJSON {
	return tracedJSON{Name: t.Name, Observations: t.IDs, About: t.About, Source: t.Source, Confidence: t.Confidence}
}

func (f *traceFlags) write(r *trace.Result, out io.Writer) error {
	if f.json {
		line := lineOf(r.Trace)
		line.OK, line.Live = r.OK(), f.live
		for _, x := range r.Failures {
			line.Failures = append(line.Failures, traceFailJSON(x))
		}
		return json.NewEncoder(out).Encode(line)
	}
	fmt.Fprintln(out, r.Line())
	if f.verbose || !r.OK() {
		return r.WriteScript(out)
	}
	return nil
}
