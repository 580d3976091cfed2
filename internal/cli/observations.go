package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"dpilab/dpi/trace"
	"dpilab/lab"
	"dpilab/observations"
)

type observationsFlags struct {
	live, json bool
	page       string
}

func observationsCommand() *cobra.Command {
	var f observationsFlags
	c := &cobra.Command{
		Use:   "observations",
		Short: "Show what is published about the real boxes, and run each observation",
		Long: `Run the trace of every published observation at virtual time, and with --live through namespaces, kernel and queue as well, long waits
replaced by clocks set forward, and show the table: what was observed, its source, how sure that is, and whether the box does the same. Observations that
are not reproduced stand there with the reason. Exit code 0: all that can be run came out as observed.`,
		Example: `  dpilab observations
  dpilab observations --live --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.live {
				lab.Enter()
			}
			return f.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	c.Flags().BoolVar(&f.live, "live", false, "run them live, too: about a minute")
	c.Flags().BoolVar(&f.json, "json", false, "write one object: counts, and rows with their outcomes")
	c.Flags().StringVar(&f.page, "page", "", "write the table as Markdown to this `file` instead")
	return c
}

func (f *observationsFlags) run(ctx context.Context, stdout, stderr io.Writer) error {
	rows, err := observations.Table()
	if err != nil {
		return err
	}
	show, bad := newProgress(stderr), 0
	watch := func(name string, r *trace.Result) {
		switch {
		case r == nil:
			show.line(name)
		case !r.OK():
			bad++
			show.clear()
			fmt.Fprintln(stderr, r.Line())
			_ = r.WriteScript(stderr)
		}
	}
	if err := observations.Run(ctx, rows, watch); err != nil {
		return err
	}
	if f.live {
		if err := observations.RunLive(ctx, rows, lab.Live(lab.PathOptions{}), lab.Live(lab.PathOptions{Skip: true}), watch); err != nil {
			return explained(err)
		}
	}
	show.clear()
	if err := f.write(rows, stdout); err != nil {
		return err
	}
	if bad > 0 {
		return &exitError{exitUnexpected, errSaid}
	}
	return nil
}

func (f *observationsFlags) write(rows []observations.Row, out io.Writer) error {
	switch {
	case f.page != "":
		var b bytes.Buffer
		if err := observations.WritePage(&b, rows); err != nil {
			return err
		}
		return os.WriteFile(f.page, b.Bytes(), 0o644)
	case f.json:
		return json.NewEncoder(out).Encode(struct {
			Counts []observations.Count `json:"counts"`
			Rows   []observations.Row   `json:"rows"`
		}{observations.Counts(rows), rows})
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "id\tvirtual\tlive\tconf.\tsource\tstatement")
	for i := range rows {
		r := &rows[i]
		live := string(r.Live)
		if r.Proof != "" {
			live = "by test"
		}
		statement := r.Statement
		if r.Missing != "" {
			statement += " (not reproduced: " + r.Missing + ")"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.Virtual, live, r.Confidence, shortened(r.Source, 24), statement)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	w = tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "confidence\trows\tshown\tvirtual\tlive\tlive, clocks set forward")
	for _, c := range observations.Counts(rows) {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\n", c.Confidence, c.Rows, c.Shown, c.Virtual, c.Live, c.Forward)
	}
	return w.Flush()
}

func shortened(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
