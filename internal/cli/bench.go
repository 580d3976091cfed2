package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dpilab/lab"
	"dpilab/lab/bench"
)

type benchFlags struct {
	options bench.Options
	flood   bool
	json    bool
	require bool
}

func benchCommand() *cobra.Command {
	var f benchFlags
	c := &cobra.Command{
		Use:   "bench [NAME...]",
		Short: "Measure the box beside the bare wire, go-nfqueue and OpenGFW, in one run on this machine",
		Long: `Build a lab, load it, and compare: every round goes along all paths, in another order each time, and ratios are taken between paths of
the same round. Without a NAME all benchmarks run but flood, which takes minutes. There are ` + strings.Join(bench.Names(), ", ") + `.
Each ratio stands beside the target that it is compared with; a target that is missed is no error but with --require.
Exit codes: 0 measured, 1 something that was measured did not work (or, with --require, a target was missed), 3 the machine lacks something.`,
		Example: `  dpilab bench
  dpilab bench wire connections --rounds 9
  dpilab bench --json > bench.json`,
		RunE: func(cmd *cobra.Command, names []string) error {
			f.options.Names = names
			if f.flood {
				if len(names) == 0 {
					f.options.Names = bench.Usual()
				}
				if !slices.Contains(names, "flood") {
					f.options.Names = append(f.options.Names, "flood")
				}
			}
			if err := f.options.Check(); err != nil {
				return err
			}
			// Where it has to be built first, what it is made of may have to come from the network, which there is none of inside.
			if f.options.NeedsOpenGFW() {
				_, _ = bench.FindOpenGFW(cmd.Context(), f.options.OpenGFW, func() {
					fmt.Fprintln(cmd.ErrOrStderr(), "building opengfw-box, once")
				})
			}
			lab.Enter()
			return f.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	fl := c.Flags()
	fl.IntVar(&f.options.Rounds, "rounds", 5, "how often each path is measured")
	fl.DurationVar(&f.options.Duration, "duration", 600*time.Millisecond, "how long a path is loaded in a round")
	fl.IntVar(&f.options.Domains, "domains", 1_000_000, "names in the large policy")
	fl.StringVar(&f.options.OpenGFW, "opengfw", "auto", "the program opengfw-box (lab/bench/opengfw); auto looks for it, off leaves it out")
	fl.StringVar(&f.options.Profiles, "profiles", "", "write a processor profile of each of dpilab's boxes into this `folder`, for go tool pprof")
	fl.BoolVar(&f.flood, "flood", false, "flood the box as well")
	fl.BoolVar(&f.json, "json", false, "write one object of JSON in place of the table")
	fl.BoolVar(&f.require, "require", false, "exit with 1 when a target is missed")
	return c
}

func (f *benchFlags) run(ctx context.Context, stdout, stderr io.Writer) error {
	show := newProgress(stderr)
	said := ""
	f.options.Progress = func(p bench.Progress) {
		show.line(fmt.Sprintf("%s (%d of %d), round %d, %d to go: %s", p.Bench, p.Number, p.Of, p.Round, p.Remaining, p.Path))
		if !show.terminal && p.Bench != said {
			said = p.Bench
			fmt.Fprintf(stderr, "%s (%d of %d)\n", p.Bench, p.Number, p.Of)
		}
	}
	report, err := bench.Run(ctx, f.options)
	show.clear()
	if err != nil {
		return explained(err)
	}
	write := report.WriteTable
	if f.json {
		write = report.WriteJSON
	}
	if err := write(stdout); err != nil {
		return err
	}
	if !report.OK() || f.require && len(report.Missed) > 0 {
		return &exitError{exitUnexpected, errSaid}
	}
	return nil
}
